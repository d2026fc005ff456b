// A brush: the range of a view that is selected, made, moved and resized by the mouse.
import { svg } from "../dom";
import { rounded } from "../numbers";
import type { Box } from "./frame";
import type { Scale } from "./scale";

/** From left to right, from top to bottom, in pixels of the box. */
export interface Rectangle {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Plot {
  box: Box;
  x: Scale;
  y: Scale;
  /** Whether a brush is of both sides, not of x alone. */
  isPlane: boolean;
}

export interface BrushListener {
  plot(): Plot;
  range(): number[] | null;
  changed(range: number[] | null, settled: boolean): void;
  clicked(x: number, y: number): void;
}

type Grip = { x: -1 | 0 | 1; y: -1 | 0 | 1 } | "all";

const NEAR_PX = 6;
const CLICK_PX = 4;

/** The pixels of a range. */
export function rectangle({ box, x, y, isPlane }: Plot, range: number[]): Rectangle {
  const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = range;
  const [left, right] = ordered(x.pixel(x0), x.pixel(x1));
  const [top, bottom] = isPlane ? ordered(y.pixel(y0), y.pixel(y1)) : [0, box.height];
  return { left, right, top, bottom };
}

/** The range of a rectangle, in values as short as a pixel allows. */
export function rangeOf({ x, y, isPlane }: Plot, { left, right, top, bottom }: Rectangle): number[] {
  const along = (scale: Scale, from: number, to: number) =>
    ordered(...([from, to].map((at) => rounded(scale.value(at), scale.step(at))) as [number, number]));
  return isPlane ? [...along(x, left, right), ...along(y, top, bottom)] : along(x, left, right);
}

/** Draw the brush. */
export function brushShapes(plot: Plot, range: number[] | null): SVGElement[] {
  if (!range) return [];
  const { left, top } = plot.box;
  const drawn = rectangle(plot, range);
  const clip = (value: number, most: number) => Math.max(0, Math.min(most, value));
  const x0 = left + clip(drawn.left, plot.box.width);
  const x1 = left + clip(drawn.right, plot.box.width);
  const y0 = top + clip(drawn.top, plot.box.height);
  const y1 = top + clip(drawn.bottom, plot.box.height);
  return [svg("rect", { class: "brush", x: x0, y: y0, width: Math.max(1, x1 - x0), height: Math.max(1, y1 - y0) })];
}

/** Listen to the mouse (or a pen, or a finger) on an element that lies over the whole drawing. */
export function brushByMouse(element: SVGSVGElement, listener: BrushListener): void {
  const at = (event: PointerEvent): [number, number] => {
    const { box } = listener.plot();
    const { left, top } = element.getBoundingClientRect();
    return [event.clientX - left - box.left, event.clientY - top - box.top];
  };

  element.addEventListener("pointermove", (event) => {
    if (!event.buttons) element.style.cursor = cursor(gripAt(listener, at(event)));
  });

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const [x0, y0] = at(event);
    const { box } = listener.plot();
    if (x0 < -NEAR_PX || y0 < -NEAR_PX || x0 > box.width + NEAR_PX || y0 > box.height + NEAR_PX) return;
    element.setPointerCapture(event.pointerId);
    const range = listener.range();
    const start = range && rectangle(listener.plot(), range);
    const grip = gripAt(listener, [x0, y0]);
    let moved = false;
    let last = range;

    const move = (later: PointerEvent) => {
      const [x, y] = at(later);
      moved ||= Math.hypot(x - x0, y - y0) > CLICK_PX;
      if (!moved) return;
      const made = start && grip ? changed(start, grip, x - x0, y - y0, box) : spanned(x0, y0, x, y, box);
      last = rangeOf(listener.plot(), made);
      listener.changed(last, false);
    };
    const end = (later: PointerEvent) => {
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", end);
      element.removeEventListener("pointercancel", end);
      if (moved) listener.changed(last, true);
      else if (later.type === "pointerup") listener.clicked(x0, y0);
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
  });
}

/** What of a brush is at a place: an edge, a corner, all of it, or nothing. */
function gripAt(listener: BrushListener, [x, y]: [number, number]): Grip | null {
  const plot = listener.plot();
  const range = listener.range();
  if (!range) return null;
  const { left, right, top, bottom } = rectangle(plot, range);
  if (x < left - NEAR_PX || x > right + NEAR_PX || y < top - NEAR_PX || y > bottom + NEAR_PX) return null;
  const side = (value: number, low: number, high: number): -1 | 0 | 1 =>
    Math.abs(value - low) <= NEAR_PX ? -1 : Math.abs(value - high) <= NEAR_PX ? 1 : 0;
  const grip = { x: side(x, left, right), y: plot.isPlane ? side(y, top, bottom) : (0 as const) };
  return grip.x || grip.y ? grip : "all";
}

function cursor(grip: Grip | null): string {
  if (!grip) return "crosshair";
  if (grip === "all") return "move";
  if (!grip.y) return "ew-resize";
  if (!grip.x) return "ns-resize";
  return grip.x === grip.y ? "nwse-resize" : "nesw-resize";
}

/** Move or resize a rectangle, and keep it within the box. */
export function changed(start: Rectangle, grip: Grip, dx: number, dy: number, box: Box): Rectangle {
  if (grip === "all") {
    const x = Math.max(-start.left, Math.min(box.width - start.right, dx));
    const y = Math.max(-start.top, Math.min(box.height - start.bottom, dy));
    return { left: start.left + x, right: start.right + x, top: start.top + y, bottom: start.bottom + y };
  }
  const left = start.left + (grip.x < 0 ? dx : 0);
  const right = start.right + (grip.x > 0 ? dx : 0);
  const top = start.top + (grip.y < 0 ? dy : 0);
  const bottom = start.bottom + (grip.y > 0 ? dy : 0);
  return spanned(left, top, right, bottom, box);
}

function spanned(x0: number, y0: number, x1: number, y1: number, box: Box): Rectangle {
  const clip = (value: number, most: number) => Math.max(0, Math.min(most, value));
  const [left, right] = ordered(clip(x0, box.width), clip(x1, box.width));
  const [top, bottom] = ordered(clip(y0, box.height), clip(y1, box.height));
  return { left, right, top, bottom };
}

function ordered(a: number, b: number): [number, number] {
  return a < b ? [a, b] : [b, a];
}
