// The marks and curves of an SED.
import type { Source } from "../api/types";
import type { Box } from "../views/frame";
import { markPath } from "../views/marks";
import type { Role, Shape } from "../views/shapes";

interface Places {
  x: (um: number) => number;
  y: (flux: number) => number;
}

/** A point with its error; hollow where the band is switched off. */
export function errorBar(x: number, y: number, [low, high]: [number, number], role: Role, colour: string, title: string): Shape[] {
  const isUsed = role === "point";
  return [
    { kind: "path", role, d: `M${round(x)},${round(low)}V${round(high)}`, width: 1.4, colour },
    { kind: "path", role, d: markPath("o", x, y, 5), filled: isUsed, width: isUsed ? 0 : 1.4, colour, title },
  ];
}

/** An upper limit: an open triangle that points down. */
export function arrow(x: number, y: number, role: Role, colour: string, title: string): Shape {
  return { kind: "path", role, d: markPath("v", x, y, 6), width: 1.4, colour, title };
}

/** A line through fluxes, as far as the box reaches. */
export function curve(um: number[], flux: number[], at: Places, role: Role, colour: string, box: Box): Shape {
  const bottom = box.top + box.height;
  const places = um.map((value, k) => [at.x(value), at.y(flux[k]!)] as const);
  let d = "";
  let isDrawing = false;
  for (const [x, y] of places) {
    const isIn = y >= box.top && y <= bottom && x >= box.left - 1 && x <= box.left + box.width + 1;
    if (isIn) d += `${isDrawing ? "L" : "M"}${round(x)},${round(y)}`;
    isDrawing = isIn;
  }
  return { kind: "path", role, d, width: 1.6, colour, dashed: role === "band" };
}

export function spread({ wavelength_um, low, high }: NonNullable<Source["template"]>, at: Places, colour: string): Shape {
  const up = wavelength_um.map((um, k) => `${round(at.x(um))},${round(at.y(high[k]!))}`);
  const down = wavelength_um.map((um, k) => `${round(at.x(um))},${round(at.y(low[k]!))}`).reverse();
  return { kind: "path", role: "band", d: `M${[...up, ...down].join("L")}Z`, filled: true, opacity: 0.22, colour };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
