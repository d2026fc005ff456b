// Which axes each view has.
import { VIEWS, type About, type Axis, type Result, type ViewName, type Wanted } from "../api/types";

/** An axis as it is drawn; the server never hears of a reversed one. */
export type Shown = Axis & { reversed?: boolean };

export interface Axes {
  x: Shown;
  y?: Shown;
  /** What is drawn, where it is not all: x0, x1 and, in planes, y0, y1. */
  domain?: number[];
}

export type Views = Partial<Record<ViewName, Axes>>;

export const TITLES: Record<ViewName, string> = {
  sky: "Sky",
  cmd: "Colour–magnitude",
  cc: "Colour–colour",
  hist: "Histogram",
};

export const isPlane = (view: ViewName): boolean => view !== "hist";

/** The axes that the server suggests, as astronomers draw them: right ascension to the left, bright above. */
export function suggested(result: Result, about: About): Views {
  const made: Views = {};
  for (const view of VIEWS) {
    const axes = result.suggested[view];
    if (!axes || (isPlane(view) && !axes.y)) continue;
    made[view] = { x: usual(axes.x, "x", about) };
    if (axes.y && isPlane(view)) made[view]!.y = usual(axes.y, "y", about);
  }
  return made;
}

/** Whether an axis is usually drawn reversed. */
export function usual(axis: Axis, side: "x" | "y", about: About): Shown {
  const isMagnitude =
    "absolute" in axis || ("column" in axis && (about.photometry ?? []).some((band) => band.column === axis.column));
  const reversed = side === "x" ? isRa(axis) : isMagnitude;
  return reversed ? { ...axis, reversed } : { ...axis };
}

/** The views whose columns the result has. */
export function possible(views: Views, result: Result): Views {
  const names = new Set(result.columns.map((column) => column.name));
  const made: Views = {};
  for (const view of VIEWS) {
    const axes = views[view];
    const needed = axes ? [axes.x, ...(isPlane(view) ? [axes.y] : [])] : [];
    if (axes && needed.every((axis) => axis && columnsOf(axis).every((name) => names.has(name)))) made[view] = axes;
  }
  return made;
}

export function columnsOf(axis: Axis): string[] {
  if ("column" in axis) return [axis.column];
  return "minus" in axis ? axis.minus : [axis.absolute, "parallax"];
}

export function isRa(axis: Axis): boolean {
  return "column" in axis && axis.column.toLowerCase() === "ra";
}

export function isDec(axis: Axis | undefined): boolean {
  return axis !== undefined && "column" in axis && axis.column.toLowerCase() === "dec";
}

export function isSky(axes: Axes): boolean {
  return isRa(axes.x) && isDec(axes.y) && !axes.x.log && !axes.y?.log;
}

/** As the server is asked; `pixels` is the size of each view's drawing. */
export function wanted(views: Views, pixels: (view: ViewName) => [number, number]): Partial<Record<ViewName, Wanted>> {
  const made: Partial<Record<ViewName, Wanted>> = {};
  for (const view of VIEWS) {
    const axes = views[view];
    if (!axes) continue;
    const [width, height] = pixels(view);
    const domain = axes.domain ? { domain: axes.domain } : {};
    if (axes.y) {
      const size: [number, number] = [cellsAlong(width), cellsAlong(height)];
      made[view] = { kind: "plane", x: asked(axes.x), y: asked(axes.y), size, ...domain };
    } else {
      made[view] = { kind: "line", x: asked(axes.x), bins: Math.max(20, Math.min(120, Math.round(width / 5))), ...domain };
    }
  }
  return made;
}

/** A cell is two pixels wide; a plane has at most 65,536 of them. */
function cellsAlong(pixels: number): number {
  return Math.max(32, Math.min(256, Math.round(pixels / 2)));
}

function asked(axis: Shown): Axis {
  const { reversed: _, ...rest } = axis;
  return rest;
}
