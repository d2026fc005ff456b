// What is selected: the AND of all brushes, of classes, and of a least probability.
import type { Condition, ViewName } from "../api/types";

export interface Filter {
  /** A brush: x0, x1 and, in planes, y0, y1, in the data's values. */
  ranges: Partial<Record<ViewName, number[]>>;
  /** Names of classes, null for sources of none; null for all. */
  classes: (string | null)[] | null;
  probability: number;
  /** Numbers of rows that another program selected; null for all. */
  rows: number[] | null;
}

export const NOTHING: Filter = { ranges: {}, classes: null, probability: 0, rows: null };

export function isEmpty(filter: Filter): boolean {
  return Object.keys(filter.ranges).length === 0 && filter.classes === null && filter.probability <= 0 && !filter.rows;
}

/** As the server takes it; a brush of a view that is not drawn has no place. */
export function conditions(filter: Filter, drawn: readonly ViewName[]): Condition[] {
  const made: Condition[] = [];
  for (const view of drawn) {
    const range = filter.ranges[view];
    if (range) made.push({ view, range });
  }
  if (filter.classes) made.push({ classes: filter.classes });
  if (filter.probability > 0) made.push({ probability: filter.probability });
  if (filter.rows) made.push({ rows: filter.rows });
  return made;
}

export function withRange(filter: Filter, view: ViewName, range: number[] | null): Filter {
  const ranges = { ...filter.ranges };
  if (range) ranges[view] = range;
  else delete ranges[view];
  return { ...filter, ranges };
}
