// The names of axes, as people write them.
import type { About, Axis, Result } from "../api/types";
import { unit } from "../numbers";

/** "G", "BP − RP", "M(G)", or the column's name, with the unit. */
export function axisLabel(axis: Axis, about: About, result: Result | null): string {
  const name = axisName(axis, about);
  const written = unit(unitOf(axis, result));
  return written ? `${name} [${written}]` : name;
}

export function axisName(axis: Axis, about: About): string {
  if ("column" in axis) return bandName(axis.column, about);
  if ("minus" in axis) return axis.minus.map((column) => bandName(column, about)).join(" − ");
  return `absolute ${bandName(axis.absolute, about)}`;
}

/** The short name of a band, else the column's. */
export function bandName(column: string, about: About): string {
  return about.photometry?.find((band) => band.column === column)?.short ?? column;
}

function unitOf(axis: Axis, result: Result | null): string {
  if (!("column" in axis)) return "mag";
  return result?.columns.find((column) => column.name === axis.column)?.unit ?? "";
}

/** A text that tells axes apart, for menus. */
export function axisKey(axis: Axis): string {
  if ("column" in axis) return `column ${axis.column}`;
  return "minus" in axis ? `minus ${axis.minus.join(" ")}` : `absolute ${axis.absolute}`;
}
