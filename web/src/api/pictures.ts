// What views draw, of the numbers that the server sends.
import { Body, type Place } from "./binary";
import type { ViewName } from "./types";

/** Cells of a plane that have sources: their place iy * nx + ix, how many, and the most frequent class. */
export interface Cells {
  cell: Uint32Array;
  n: Uint32Array;
  classes: Uint8Array;
}

export interface Plane {
  kind: "plane";
  domain: [number, number, number, number];
  size: [number, number];
  outside: number;
  cells: Cells | null;
  points: { x: Float32Array; y: Float32Array } | null;
}

/** Bins of a line: for each bin the number of each class, then of no class. */
export interface Line {
  kind: "line";
  domain: [number, number];
  bins: number;
  outside: number;
  counts: Uint32Array;
}

/** All rows of a result, as the views show them. */
export interface Pictures {
  count: number;
  counts: number[];
  /** The class of each row, where points are drawn. */
  classes: Uint8Array | null;
  views: Partial<Record<ViewName, Plane | Line>>;
}

/** The rows that are selected. */
export interface Selection {
  count: number;
  counts: number[];
  /** 1 for each row that is selected, where points are drawn. */
  rows: Uint8Array | null;
  cells: Partial<Record<ViewName, Cells>>;
  bins: Partial<Record<ViewName, Uint32Array>>;
}

interface CellPlaces {
  cell?: Place;
  n?: Place;
  class?: Place;
}

interface ViewHead extends CellPlaces {
  kind: "plane" | "line";
  domain: number[];
  size?: [number, number];
  bins?: number;
  outside?: number;
  x?: Place;
  y?: Place;
  all?: Place;
}

interface AxesHead {
  count: number;
  counts: number[];
  class?: Place | null;
  views: Partial<Record<ViewName, ViewHead>>;
}

interface SelectHead {
  count: number;
  counts: number[];
  rows?: Place | null;
  views: Partial<Record<ViewName, CellPlaces & { all?: Place }>>;
}

export function readPictures(buffer: ArrayBuffer): Pictures {
  const body = new Body<AxesHead>(buffer);
  const { head } = body;
  const views: Pictures["views"] = {};
  for (const [name, view] of Object.entries(head.views) as [ViewName, ViewHead][]) {
    const outside = view.outside ?? 0;
    if (view.kind === "line" && view.all) {
      const [x0 = 0, x1 = 1] = view.domain;
      views[name] = { kind: "line", domain: [x0, x1], bins: view.bins ?? 0, outside, counts: body.u4(view.all) };
    } else if (view.kind === "plane") {
      const [x0 = 0, x1 = 1, y0 = 0, y1 = 1] = view.domain;
      const points = view.x && view.y ? { x: body.f4(view.x), y: body.f4(view.y) } : null;
      const size = view.size ?? [1, 1];
      views[name] = { kind: "plane", domain: [x0, x1, y0, y1], size, outside, cells: cells(body, view), points };
    }
  }
  return { count: head.count, counts: head.counts, classes: head.class ? body.u1(head.class) : null, views };
}

export function readSelection(buffer: ArrayBuffer, rows: number): Selection {
  const body = new Body<SelectHead>(buffer);
  const { head } = body;
  const made: Selection = {
    count: head.count,
    counts: head.counts,
    rows: head.rows ? bits(body.u1(head.rows), rows) : null,
    cells: {},
    bins: {},
  };
  for (const [name, view] of Object.entries(head.views) as [ViewName, CellPlaces & { all?: Place }][]) {
    const some = cells(body, view);
    if (some) made.cells[name] = some;
    if (view.all) made.bins[name] = body.u4(view.all);
  }
  return made;
}

/** The selection of all rows is what the pictures have. */
export function everything(pictures: Pictures): Selection {
  const made: Selection = { count: pictures.count, counts: pictures.counts, rows: null, cells: {}, bins: {} };
  for (const [name, view] of Object.entries(pictures.views) as [ViewName, Plane | Line][]) {
    if (view.kind === "line") made.bins[name] = view.counts;
    else if (view.cells) made.cells[name] = view.cells;
  }
  return made;
}

function cells(body: Body<unknown>, places: CellPlaces): Cells | null {
  if (!places.cell || !places.n || !places.class) return null;
  return { cell: body.u4(places.cell), n: body.u4(places.n), classes: body.u1(places.class) };
}

/** A byte for each bit; the least significant bit of a byte is the first. */
function bits(packed: Uint8Array, rows: number): Uint8Array {
  const made = new Uint8Array(rows);
  for (let row = 0; row < rows; row += 1) made[row] = (packed[row >> 3]! >> (row & 7)) & 1;
  return made;
}
