// A view of two sides: cells coloured by class, or points where there are few enough.
import type { Plane } from "../api/pictures";
import type { ViewName } from "../api/types";
import { h } from "../dom";
import type { Explorer } from "../state/explorer";
import { isSky } from "../state/views";
import { classColour, colour, noClass, rgb, type Rgb } from "../theme";
import { drawCells } from "./cells";
import { isEmpty } from "../state/filter";
import type { Sides } from "./frame";
import { Points } from "./points";
import { Scale } from "./scale";
import { View } from "./view";

/** A cell with one source that is selected is to be seen. */
const SELECTED_FAINTEST = 0.65;

export class PlaneView extends View {
  readonly #cells = h("canvas", { class: "data", "aria-hidden": "true" });
  readonly #dots = h("canvas", { class: "data", "aria-hidden": "true" });
  #points: Points | null = null;

  constructor(name: ViewName, explorer: Explorer) {
    super(name, explorer);
    this.show(this.#cells, this.#dots);
    this.#dots.addEventListener("webglcontextlost", () => void explorer.limitPoints(0));
  }

  protected override get picture(): Plane | undefined {
    const picture = super.picture;
    return picture?.kind === "plane" ? picture : undefined;
  }

  protected override take(): void {
    const { points } = this.picture ?? {};
    const { classes } = this.explorer.pictures ?? {};
    if (!points || !classes) return;
    const { x, y } = this.explorer.views[this.name]!;
    this.#points ??= new Points(this.#dots);
    this.#points.setRows(
      points.x,
      points.y,
      classes,
      this.explorer.looks.length - 1,
      [x.log ?? false, y?.log ?? false],
    );
  }

  protected override choose(): void {
    if (this.picture?.points) this.#points?.choose(this.explorer.selection?.rows ?? null);
  }

  protected sides(): Sides {
    const axes = this.explorer.views[this.name]!;
    const { width, height } = this.box;
    const [x0, x1, y0, y1] = isSky(axes) ? trueToShape(this.picture!.domain, width, height) : this.picture!.domain;
    return {
      x: new Scale([x0, x1], width, axes.x.reversed ?? false, axes.x.log),
      y: new Scale([y0, y1], height, !axes.y?.reversed, axes.y?.log),
      xLabel: this.label("x"),
      yLabel: this.label("y"),
      xKind: isSky(axes) ? "angle" : "number",
    };
  }

  protected paint({ x, y }: Sides): void {
    const plane = this.picture!;
    this.#cells.hidden = plane.points !== null;
    this.#dots.hidden = plane.points === null;
    const { looks, selection, filter } = this.explorer;
    const isAll = isEmpty(filter) || selection === null;
    const grey = rgb(colour("--unselected"));
    const colourOf = (code: number): Rgb => rgb(classColour(looks[code] ?? noClass));
    if (plane.points) {
      this.place(this.#dots);
      const markerOf = (code: number) => (looks[code] ?? noClass).marker;
      const most = this.#points?.draw(
        [x, y],
        { colourOf, markerOf, grey },
        selection?.count ?? 0,
        isAll || selection?.rows === null,
      );
      if (most) void this.explorer.limitPoints(most);
      return;
    }
    const context = this.clean(this.#cells);
    if (!isAll && plane.cells) drawCells(context, plane, plane.cells, [x, y], () => grey);
    const chosen = selection ? selection.cells[this.name] : plane.cells;
    if (chosen) drawCells(context, plane, chosen, [x, y], colourOf, isAll ? undefined : SELECTED_FAINTEST);
  }

  protected image(): HTMLCanvasElement {
    return this.picture?.points ? this.#dots : this.#cells;
  }
}

/** Widen what is drawn of the sky until a degree is as long in both directions, at its middle. */
function trueToShape(domain: Plane["domain"], width: number, height: number): Plane["domain"] {
  const [x0, x1, y0, y1] = domain;
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const shrinks = y1 - y0 > 90 ? 1 : Math.max(0.05, Math.cos((y * Math.PI) / 180));
  const degree = Math.min(width / ((x1 - x0) * shrinks), height / (y1 - y0));
  const [halfX, halfY] = [width / degree / shrinks / 2, height / degree / 2];
  return [x - halfX, x + halfX, y - halfY, y + halfY];
}
