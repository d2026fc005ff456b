// Deep links: the part of the URL behind # holds query, axes and selection.
import { VIEWS, type ViewName } from "../api/types";
import { NOTHING, type Filter } from "./filter";
import type { Axes, Shown, Views } from "./views";

export interface Link {
  query: string;
  views: Views | null;
  filter: Filter;
}

export function toHash({ query, views, filter }: Link): string {
  const parts = new URLSearchParams({ query });
  if (views && Object.keys(views).length) parts.set("views", JSON.stringify(views));
  for (const [view, range] of Object.entries(filter.ranges)) parts.set(`in.${view}`, range.join(","));
  if (filter.classes) parts.set("classes", JSON.stringify(filter.classes));
  if (filter.probability > 0) parts.set("probability", String(filter.probability));
  return `#${parts}`;
}

/** Read a link; what is not well-formed in it is left out. */
export function fromHash(hash: string): Link | null {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const query = parts.get("query");
  if (!query) return null;
  const filter: Filter = { ...NOTHING, ranges: {} };
  for (const view of VIEWS) {
    const range = (parts.get(`in.${view}`) ?? "").split(",").filter(Boolean).map(Number);
    if (range.length === (view === "hist" ? 2 : 4) && range.every(Number.isFinite)) filter.ranges[view] = range;
  }
  const classes = parsed(parts.get("classes"));
  if (Array.isArray(classes)) filter.classes = classes.filter((name) => name === null || typeof name === "string");
  const least = Number(parts.get("probability"));
  if (least > 0 && least <= 1) filter.probability = least;
  return { query, views: readViews(parsed(parts.get("views"))), filter };
}

function parsed(text: string | null): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function readViews(given: unknown): Views | null {
  if (typeof given !== "object" || given === null) return null;
  const made: Views = {};
  for (const view of VIEWS) {
    const some = (given as Record<string, Record<string, unknown> | undefined>)[view];
    const x = readAxis(some?.x);
    const y = readAxis(some?.y);
    if (x && (y || view === "hist")) made[view] = y && view !== "hist" ? { x, y } : { x };
    const domain = some?.domain;
    if (made[view] && isNumbers(domain, view)) (made[view] as Axes).domain = domain;
  }
  return made;
}

function isNumbers(given: unknown, view: ViewName): given is number[] {
  return Array.isArray(given) && given.length === (view === "hist" ? 2 : 4) && given.every(Number.isFinite);
}

function readAxis(given: unknown): Shown | null {
  if (typeof given !== "object" || given === null) return null;
  const { column, minus, absolute, log, reversed } = given as Record<string, unknown>;
  const drawn = { ...(log === true && { log }), ...(reversed === true && { reversed }) };
  if (typeof column === "string") return { column, ...drawn };
  if (typeof absolute === "string") return { absolute, ...drawn };
  if (Array.isArray(minus) && minus.length === 2 && minus.every((name) => typeof name === "string")) {
    return { minus: minus as [string, string], ...drawn };
  }
  return null;
}
