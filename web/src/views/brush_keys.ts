// A brush by the keyboard alone.
import { changed, rangeOf, rectangle, type BrushListener, type Rectangle } from "./brush";

const STEPS = 40;
const FINE = 5;

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export const HELP =
  "Arrow keys make a brush and move it, with Shift they change its size, with Alt by small steps. " +
  "Escape removes it. Enter shows the source nearest to its middle. Plus zooms to it, minus shows all.";

export interface KeyListener extends BrushListener {
  zoom(toBrush: boolean): void;
}

export function brushByKeys(element: SVGSVGElement, listener: KeyListener): void {
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    const arrow = ARROWS[event.key];
    const range = listener.range();
    if (arrow) listener.changed(byArrow(listener, arrow, event.shiftKey, event.altKey), false);
    else if (event.key === "Escape" && range) listener.changed(null, true);
    else if (event.key === "Enter") listener.clicked(...middle(listener));
    else if (event.key === "+" && range) listener.zoom(true);
    else if (event.key === "-") listener.zoom(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  element.addEventListener("keyup", (event) => {
    if (ARROWS[event.key] && listener.range()) listener.changed(listener.range(), true);
  });
}

function byArrow(listener: BrushListener, [dx, dy]: [number, number], resizes: boolean, isFine: boolean): number[] {
  const plot = listener.plot();
  const { box } = plot;
  const range = listener.range();
  if (!range) return rangeOf(plot, quarter(box.width, box.height));
  const step = isFine ? STEPS * FINE : STEPS;
  const start = rectangle(plot, range);
  // The right edge and the upper one are those that move.
  const grip = resizes ? ({ x: dx ? 1 : 0, y: dy ? -1 : 0 } as const) : "all";
  const moved = changed(start, grip, (dx * box.width) / step, (dy * box.height) / step, box);
  return rangeOf(plot, atLeast(moved, box.width / STEPS / FINE));
}

function quarter(width: number, height: number): Rectangle {
  return { left: 0.375 * width, right: 0.625 * width, top: 0.375 * height, bottom: 0.625 * height };
}

function atLeast({ left, right, top, bottom }: Rectangle, size: number): Rectangle {
  return { left, right: Math.max(right, left + size), top: Math.min(top, bottom - size), bottom };
}

function middle(listener: BrushListener): [number, number] {
  const plot = listener.plot();
  const range = listener.range();
  if (!range) return [plot.box.width / 2, plot.box.height / 2];
  const { left, right, top, bottom } = rectangle(plot, range);
  return [(left + right) / 2, (top + bottom) / 2];
}
