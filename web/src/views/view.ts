// A view: title and controls above; the data on a canvas, axes and brush in SVG above it.
import type { Line, Plane } from "../api/pictures";
import type { ViewName } from "../api/types";
import { fill, h, newId, svg } from "../dom";
import { count, counted } from "../numbers";
import type { Explorer } from "../state/explorer";
import { axisLabel } from "../state/names";
import { valueOf, within } from "../state/values";
import { isPlane, isSky, TITLES } from "../state/views";
import { onTheme } from "../theme";
import { axesMenu } from "./axes_menu";
import { brushByMouse, brushShapes, type Plot } from "./brush";
import { brushByKeys, HELP } from "./brush_keys";
import { frame, inner, type Box, type Sides } from "./frame";
import { markPath } from "./marks";
import type { Drawn } from "./picture";
import { pictureMenu } from "./picture_menu";
import { isBelow, toSvg, type Shape } from "./shapes";

/** How far from a click a source may be, in pixels. */
const REACH_PX = 12;

/** What a view will show, before there is a result. */
const EMPTY: Record<ViewName, string> = {
  sky: "Where the sources are on the sky",
  cmd: "How bright they are, over a colour: the Hertzsprung–Russell diagram",
  cc: "One colour over another: infrared excess stands out",
  hist: "How many sources have a magnitude, by class",
};

export abstract class View {
  readonly element: HTMLElement;
  protected readonly plot = h("div", { class: "plot" });
  readonly #overlay: SVGSVGElement;
  readonly #under = svg("svg", { class: "under", "aria-hidden": "true" });
  readonly #shapes = svg("g", { "aria-hidden": "true" });
  readonly #brush = svg("g", { "aria-hidden": "true" });
  readonly #shown = svg("g", { "aria-hidden": "true" });
  readonly #note = h("span", { class: "note" });
  readonly #empty = h("p", { class: "empty" });
  #asked = false;
  /** As a frame has it: JupyterLab takes its styles away for a moment, when it changes its theme. To ask for it while
   *  views draw would have the browser lay out the page again and again. */
  #size: [number, number] = [0, 0];
  #framed = "";

  constructor(
    readonly name: ViewName,
    readonly explorer: Explorer,
  ) {
    const help = newId("help");
    this.#overlay = svg(
      "svg",
      { class: "overlay", tabindex: 0, role: "application", "aria-describedby": help },
      this.#shapes,
      this.#brush,
      this.#shown,
    );
    this.plot.append(this.#under, this.#overlay, this.#note, this.#empty);
    const title = newId("view");
    const zoomIn = h(
      "button",
      {
        type: "button",
        title: "Zoom to the brush (+)",
        "aria-label": `${this.title}: zoom to the brush`,
        onclick: () => this.#zoom(true),
      },
      "+",
    );
    const zoomOut = h(
      "button",
      {
        type: "button",
        title: "Show all (−)",
        "aria-label": `${this.title}: show all`,
        onclick: () => this.#zoom(false),
      },
      "−",
    );
    this.element = h(
      "section",
      { class: `view view-${name}`, "aria-labelledby": title },
      h(
        "header",
        {},
        h("h3", { id: title }, this.title),
        h("span", { class: "space" }),
        axesMenu(this.name, explorer),
        zoomIn,
        zoomOut,
        pictureMenu(this),
      ),
      this.plot,
      h("p", { id: help, class: "unseen" }, HELP),
    );
    const listener = {
      plot: () => this.#plot(),
      range: () => explorer.filter.ranges[name] ?? null,
      changed: (range: number[] | null, settled: boolean) => this.#axes && explorer.setRange(name, range, settled),
      clicked: (x: number, y: number) => this.#pick(x, y),
      zoom: (toBrush: boolean) => this.#zoom(toBrush),
    };
    brushByMouse(this.#overlay, listener);
    brushByKeys(this.#overlay, listener);
    new ResizeObserver(([entry]) => {
      this.#size = [entry!.contentRect.width, entry!.contentRect.height];
      this.draw();
    }).observe(this.plot);
    explorer.on("pictures", () => (this.take(), this.draw()));
    explorer.on("selection", () => (this.choose(), this.draw()));
    explorer.on("filter", () => this.#drawBrush());
    explorer.on("values", () => this.#drawRing());
    onTheme(() => this.draw());
    this.draw();
  }

  get title(): string {
    return TITLES[this.name];
  }

  /** Width and height of the place of the data, in pixels. */
  get pixels(): [number, number] {
    const { width, height } = this.box;
    return [width, height];
  }

  /** Draw when the browser next does. */
  draw(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  /** What is drawn, to write it into a file. */
  drawn(): Drawn {
    // WebGL forgets what it drew when the browser has shown it.
    this.#draw();
    const [width, height] = this.#size;
    const shapes = this.picture ? frame(this.box, this.sides()) : [];
    return { title: this.title, width, height, box: this.box, shapes, image: this.image() };
  }

  protected get picture(): Plane | Line | undefined {
    return this.explorer.pictures?.views[this.name];
  }

  protected get box(): Box {
    return inner(...this.#size);
  }

  get #axes() {
    return this.picture ? this.explorer.views[this.name] : undefined;
  }

  protected label(side: "x" | "y"): string {
    const axis = this.explorer.views[this.name]?.[side];
    return axis ? axisLabel(axis, this.explorer.about, this.explorer.result) : "";
  }

  /** Put canvases above the grid. */
  protected show(...canvases: HTMLCanvasElement[]): void {
    this.#under.after(...canvases);
  }

  /** Put a canvas where the data is drawn. */
  protected place(canvas: HTMLCanvasElement): void {
    const { left, top, width, height } = this.box;
    Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    const pixels = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)] as const;
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
  }

  /** An empty canvas, to draw on in pixels of the page. */
  protected clean(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    this.place(canvas);
    const context = canvas.getContext("2d")!;
    const { width, height } = this.box;
    context.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  }

  /** The scales of both sides, and their names. */
  protected abstract sides(): Sides;
  /** Take new pictures, and a new selection. */
  protected take(): void {}
  protected choose(): void {}
  /** What is to be known of the drawing. */
  protected note(): string {
    return "";
  }
  /** Draw the data. */
  protected abstract paint(sides: Sides): void;
  protected abstract image(): HTMLCanvasElement;

  #plot(): Plot {
    const { x, y } = this.sides();
    return { box: this.box, x, y, isPlane: isPlane(this.name) };
  }

  #draw(): void {
    const has = this.picture !== undefined;
    this.plot.classList.toggle("without", !has);
    this.#empty.textContent = has ? "" : this.#why();
    const sides = has ? this.sides() : null;
    this.#drawFrame(sides ? frame(this.box, sides) : []);
    const outside = this.picture?.outside ?? 0;
    const notes = [has && this.note(), outside > 0 && `${count(outside)} not drawn`];
    this.#note.textContent = notes.filter(Boolean).join("; ");
    if (sides) this.paint(sides);
    this.#drawBrush();
    this.#drawRing();
  }

  #drawRing(): void {
    fill(this.#shown, ...(this.picture ? toSvg(this.#ring(this.sides())) : []));
  }

  #drawFrame(shapes: Shape[]): void {
    const framed = JSON.stringify(shapes);
    if (framed === this.#framed) return;
    this.#framed = framed;
    fill(this.#under, ...toSvg(shapes.filter(isBelow)));
    fill(this.#shapes, ...toSvg(shapes.filter((shape) => !isBelow(shape))));
  }

  /** A ring about the source whose panel is open. */
  #ring({ x, y }: Sides): Shape[] {
    const axes = this.#axes;
    const { values } = this.explorer;
    if (!axes?.y || !values || this.picture?.kind !== "plane") return [];
    const [x0, x1] = this.picture.domain;
    const [across, up] = [within(valueOf(axes.x, values), isSky(axes), [x0, x1]), valueOf(axes.y, values)];
    const { left, top, width, height } = this.box;
    const [px, py] = [x.pixel(across), y.pixel(up)];
    if (!(px >= 0 && px <= width && py >= 0 && py <= height)) return [];
    const d = markPath("o", left + px, top + py, 10);
    return [{ kind: "path", role: "ring-back", d, width: 4 }, { kind: "path", role: "ring", d, width: 2 }];
  }

  #why(): string {
    if (!this.explorer.result) return EMPTY[this.name];
    return "The result has no columns for this view. Choose axes, or select more columns.";
  }

  #drawBrush(): void {
    const range = this.explorer.filter.ranges[this.name];
    fill(this.#brush, ...(this.picture && range ? brushShapes(this.#plot(), range) : []));
    const chosen = this.explorer.selection;
    const told = chosen ? `${counted(chosen.count, "source")} selected. ` : "";
    const what = this.picture ? [this.label("y"), this.label("x")].filter(Boolean).join(" over ") : "no axes";
    this.#overlay.setAttribute("aria-label", `${this.title}, ${what}. ${told}${range ? "It has a brush." : ""}`);
  }

  #pick(x: number, y: number): void {
    if (!this.#axes || !isPlane(this.name)) return;
    const sides = this.sides();
    const within = [REACH_PX * sides.x.step(x), REACH_PX * sides.y.step(y)];
    void this.explorer.pick(this.name, [sides.x.value(x), sides.y.value(y)], within);
  }

  #zoom(toBrush: boolean): void {
    const axes = this.#axes;
    const range = this.explorer.filter.ranges[this.name];
    if (!axes || (toBrush ? !range : !axes.domain)) return;
    const { domain: _, ...whole } = axes;
    void this.explorer.setAxes(this.name, toBrush ? { ...axes, domain: range! } : whole, true);
  }
}

