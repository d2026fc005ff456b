// The frame of a drawing: grid, marks, numbers and names along its sides.
import type { Kind, Scale } from "./scale";
import type { Shape } from "./shapes";

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export const MARGIN = { left: 54, right: 10, top: 8, bottom: 38 };

/** The place of the data in a drawing of a size. */
export function inner(width: number, height: number): Box {
  return {
    left: MARGIN.left,
    top: MARGIN.top,
    width: Math.max(40, width - MARGIN.left - MARGIN.right),
    height: Math.max(40, height - MARGIN.top - MARGIN.bottom),
  };
}

export interface Sides {
  x: Scale;
  y: Scale;
  xLabel: string;
  yLabel: string;
  xKind?: Kind;
  yKind?: Kind;
}

export function frame(box: Box, { x, y, xLabel, yLabel, xKind, yKind }: Sides): Shape[] {
  const { left, top, width, height } = box;
  const [right, bottom] = [left + width, top + height];
  const shapes: Shape[] = [];
  const line = (role: "grid" | "axis", d: string) => shapes.push({ kind: "path", role, d });
  for (const { at, text } of x.ticks(Math.max(2, Math.round(width / 70)), xKind)) {
    const place = Math.round(left + at) + 0.5;
    line("grid", `M${place},${top}V${bottom}`);
    shapes.push({ kind: "text", role: "tick", x: place, y: bottom + 15, text, anchor: "middle" });
  }
  for (const { at, text } of y.ticks(Math.max(2, Math.round(height / 45)), yKind)) {
    const place = Math.round(top + at) + 0.5;
    line("grid", `M${left},${place}H${right}`);
    shapes.push({ kind: "text", role: "tick", x: left - 6, y: place + 4, text, anchor: "end" });
  }
  line("axis", `M${left + 0.5},${top}V${bottom + 0.5}H${right}`);
  shapes.push({ kind: "text", role: "label", x: left + width / 2, y: bottom + 32, text: xLabel, anchor: "middle" });
  const middle = top + height / 2;
  shapes.push({ kind: "text", role: "label", x: 13, y: middle, text: yLabel, anchor: "middle", turned: true });
  return shapes;
}
