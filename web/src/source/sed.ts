// The spectral energy distribution of a source: bands with errors and limits, blackbody, template of its class, residuals.
import type { Band, Source } from "../api/types";
import { fill, h, svg } from "../dom";
import { short } from "../numbers";
import type { Explorer } from "../state/explorer";
import { colour, onTheme } from "../theme";
import { frame, type Box } from "../views/frame";
import type { Drawn } from "../views/picture";
import { pictureMenu } from "../views/picture_menu";
import { Scale } from "../views/scale";
import { toSvg, type Shape } from "../views/shapes";
import { arrow, curve, errorBar, spread } from "./sed_marks";

const WAVELENGTHS: [number, number] = [0.42, 27];
const [HEIGHT, MARGIN, GAP] = [330, { left: 54, right: 10, top: 8, bottom: 38 }, 10];
const RESIDUALS_PX = 74;
const LEAST_RESIDUAL = 0.3;

export class SedDrawing {
  readonly element: HTMLElement;
  readonly title = "SED";
  readonly #svg = svg("svg", { class: "sed", role: "img" });
  readonly #legend = h("div", { class: "sed-legend" });
  #source: Source | null = null;

  constructor(readonly explorer: Explorer) {
    const plot = h("div", { class: "sed-plot" }, this.#svg);
    this.element = h("section", {}, h("header", {}, h("h3", {}, "Spectral energy distribution"), h("span", { class: "space" }), pictureMenu(this)), plot, this.#legend);
    new ResizeObserver(() => this.#draw()).observe(plot);
    onTheme(() => this.#draw());
  }

  show(source: Source): void {
    this.#source = source;
    this.#draw();
  }

  drawn(): Drawn {
    const width = this.#width;
    return { title: this.title, width, height: HEIGHT, box: { left: 0, top: 0, width, height: HEIGHT }, shapes: this.#shapes(), image: null };
  }

  get #width(): number {
    return this.#svg.parentElement!.clientWidth || 380;
  }

  #draw(): void {
    const source = this.#source;
    if (!source) return;
    this.#svg.setAttribute("viewBox", `0 0 ${this.#width} ${HEIGHT}`);
    this.#svg.setAttribute("aria-label", told(source));
    fill(this.#svg, ...toSvg(this.#shapes()));
    const { blackbody, template } = source;
    fill(
      this.#legend,
      entry("measured", "● measured"),
      source.bands.some((band) => band.limit) && entry("measured", "▽ upper limit"),
      source.bands.some((band) => !band.used && band.magnitude !== null) && entry("unused", "○ switched off"),
      blackbody && entry("blackbody", `— blackbody, ${short(blackbody.temperature, 3)} K`),
      template && entry("template", `- - simulated ${template.class}: median, 16 to 84 % shaded`),
    );
  }

  #shapes(): Shape[] {
    const source = this.#source!;
    const width = this.#width - MARGIN.left - MARGIN.right;
    const has = source.blackbody !== null && source.blackbody !== undefined;
    const below = has ? RESIDUALS_PX : 0;
    const height = HEIGHT - MARGIN.top - MARGIN.bottom - (has ? below + GAP : 0);
    const box: Box = { left: MARGIN.left, top: MARGIN.top, width, height };
    const x = new Scale(WAVELENGTHS, width, false, true);
    const y = new Scale(reach(source), height, true, true);
    const at = { x: (um: number) => box.left + x.pixel(um), y: (flux: number) => box.top + y.pixel(flux) };
    const names = { xLabel: has ? "" : "wavelength [µm]", yLabel: "λFλ [W m⁻²]" };
    const shapes = frame(box, { x, y, ...names }).filter((shape) => !has || !isBelow(shape, box));
    const { template, blackbody } = source;
    if (template) shapes.push(spread(template, at, colour("--template")), curve(template.wavelength_um, template.median, at, "band", colour("--template"), box));
    if (blackbody) shapes.push(curve(blackbody.curve.wavelength_um, blackbody.curve.flux, at, "curve", colour("--blackbody"), box));
    for (const band of source.bands) {
      if (band.flux === null) continue;
      const error = band.flux_error ?? 0;
      const low = Math.max(band.flux - error, 0.05 * band.flux);
      shapes.push(...mark(band, at.x(band.wavelength_um), at.y(band.flux), [at.y(low), at.y(band.flux + error)]));
    }
    if (has) shapes.push(...this.#residuals(source, x, { left: box.left, top: box.top + height + GAP, width, height: below }));
    return shapes;
  }

  #residuals(source: Source, x: Scale, box: Box): Shape[] {
    const given = source.blackbody!.residuals;
    const used = given.flatMap((value, k) => (value !== null && source.bands[k]!.used ? [Math.abs(value)] : []));
    const most = Math.max(LEAST_RESIDUAL, 1.15 * Math.max(0, ...used));
    const y = new Scale([-most, most], box.height, true);
    const zero = box.top + y.pixel(0);
    const shapes = frame(box, { x, y, xLabel: "wavelength [µm]", yLabel: "dex" });
    shapes.push({ kind: "path", role: "zero", d: `M${box.left},${zero}H${box.left + box.width}`, colour: colour("--blackbody") });
    for (const [k, band] of source.bands.entries()) {
      const value = given[k];
      if (value === null || value === undefined || Math.abs(value) > most) continue;
      const error = 0.4 * (band.error ?? 0);
      const ends: [number, number] = [y.pixel(value - error), y.pixel(value + error)];
      shapes.push(...mark(band, box.left + x.pixel(band.wavelength_um), box.top + y.pixel(value), [box.top + ends[0], box.top + ends[1]]));
    }
    return shapes;
  }
}

function mark(band: Band, x: number, y: number, ends: [number, number]): Shape[] {
  const title = `${band.name}: ${band.magnitude?.toFixed(3)} mag${band.limit ? ", upper limit" : ""}${band.used ? "" : ", switched off"}`;
  const role = band.used ? "point" : "unused";
  const ink = colour(band.used ? "--measured" : "--quiet");
  if (band.limit) return [arrow(x, y, role, ink, title)];
  return errorBar(x, y, ends, role, ink, title);
}

/** From below the faintest flux to above the brightest one. */
function reach(source: Source): [number, number] {
  const fluxes = source.bands.flatMap((band) => (band.flux ? [band.flux] : []));
  if (!fluxes.length) return [1e-18, 1e-12];
  const { template } = source;
  const low = Math.min(...fluxes, ...(template ? template.low.map((flux) => flux * 4) : []));
  const high = Math.max(...fluxes, ...(template ? template.high.map((flux) => flux / 2) : []));
  return [low / 6, high * 3];
}

/** The numbers of wavelengths stand below the residuals. */
function isBelow(shape: Shape, box: Box): boolean {
  return shape.kind === "text" && shape.y > box.top + box.height + 10;
}

function told(source: Source): string {
  const bands = source.bands.filter((band) => band.magnitude !== null);
  const list = bands.map((band) => `${band.name} ${band.magnitude!.toFixed(2)} mag${band.limit ? " (limit)" : ""}`);
  const fit = source.blackbody ? ` A blackbody of ${short(source.blackbody.temperature, 3)} K is drawn.` : "";
  return `Spectral energy distribution of ${bands.length} bands: ${list.join(", ")}.${fit}`;
}

function entry(kind: string, text: string): HTMLElement {
  return h("span", { class: kind }, text);
}
