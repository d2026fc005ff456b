// Draw how many sources each cell of a plane has, as an image: deeper where there are more.
import type { Cells, Plane } from "../api/pictures";
import type { Rgb } from "../theme";
import type { Scale } from "./scale";


/** Draw the cells of a plane; faintest : the opacity of a cell with few sources. */
export function drawCells(
  context: CanvasRenderingContext2D,
  plane: Plane,
  cells: Cells,
  [x, y]: [Scale, Scale],
  colourOf: (code: number) => Rgb,
  faintest = 0.3,
): void {
  const [nx, ny] = plane.size;
  const image = new ImageData(nx, ny);
  const palette = Array.from({ length: 256 }, (_, code) => colourOf(code));
  const most = Math.log1p(largest(cells.n)) || 1;
  for (let k = 0; k < cells.cell.length; k += 1) {
    const cell = cells.cell[k]!;
    const column = cell % nx;
    const row = (cell - column) / nx;
    const place = 4 * ((y.flipped ? ny - 1 - row : row) * nx + (x.flipped ? nx - 1 - column : column));
    const [r, g, b] = palette[cells.classes[k]!]!;
    image.data[place] = r;
    image.data[place + 1] = g;
    image.data[place + 2] = b;
    image.data[place + 3] = 255 * (faintest + (1 - faintest) * (Math.log1p(cells.n[k]!) / most));
  }
  const small = new OffscreenCanvas(nx, ny);
  small.getContext("2d")!.putImageData(image, 0, 0);
  const [x0, x1, y0, y1] = plane.domain;
  const [left, right] = ordered(x.pixel(x0), x.pixel(x1));
  const [top, bottom] = ordered(y.pixel(y0), y.pixel(y1));
  context.imageSmoothingEnabled = false;
  context.drawImage(small, left, top, right - left, bottom - top);
}

function largest(values: Uint32Array): number {
  let most = 0;
  for (const value of values) if (value > most) most = value;
  return most;
}

function ordered(a: number, b: number): [number, number] {
  return a < b ? [a, b] : [b, a];
}
