// A view of one side: how many sources each bin has, by class, those that are selected before all.
import type { Line } from "../api/pictures";
import { h } from "../dom";
import type { Explorer } from "../state/explorer";
import { count } from "../numbers";
import { isEmpty } from "../state/filter";
import { classColour, colour } from "../theme";
import type { Sides } from "./frame";
import { Scale } from "./scale";
import { View } from "./view";

const HEADROOM = 1.06;
/** So many times as high as the selection may all sources be, to be drawn as they are. */
const AS_THEY_ARE = 4;

export class HistogramView extends View {
  readonly #canvas = h("canvas", { class: "data", "aria-hidden": "true" });

  constructor(explorer: Explorer) {
    super("hist", explorer);
    this.show(this.#canvas);
  }

  protected override get picture(): Line | undefined {
    const picture = super.picture;
    return picture?.kind === "line" ? picture : undefined;
  }

  protected sides(): Sides {
    const { x } = this.explorer.views.hist!;
    const { width, height } = this.box;
    const line = this.picture!;
    const { most } = this.#heights;
    return {
      x: new Scale(line.domain, width, x.reversed ?? false, x.log),
      y: new Scale([0, (most || 1) * HEADROOM], height, true),
      xLabel: this.label("x"),
      yLabel: "sources",
      yKind: "count",
    };
  }

  protected paint({ x, y }: Sides): void {
    const context = this.clean(this.#canvas);
    const line = this.picture!;
    const edges = this.#edges(x);
    const all = totals(line.counts, line.bins);
    const { divisor } = this.#heights;
    if (divisor === 1 && !isEmpty(this.explorer.filter)) {
      context.fillStyle = colour("--unselected");
      for (const [bin, n] of all.entries()) context.fillRect(...bar(edges, bin, y.pixel(n), y.pixel(0)));
    }
    this.#stack(context, edges, y);
    if (divisor > 1) {
      context.strokeStyle = colour("--quiet");
      context.stroke(steps(edges, all.map((n) => y.pixel(n / divisor))));
    }
  }

  protected image(): HTMLCanvasElement {
    return this.#canvas;
  }

  protected override note(): string {
    const { divisor } = this.#heights;
    return divisor > 1 ? `line: all sources ÷ ${count(divisor)}` : "";
  }

  /** By what all sources are divided, so that the bars of a small selection are seen beside them; and the highest bar. */
  get #heights(): { divisor: number; most: number } {
    const { bins, counts } = this.picture!;
    const [all, chosen] = [Math.max(...totals(counts, bins)), Math.max(...totals(this.#chosen, bins))];
    const divisor = chosen && all > AS_THEY_ARE * chosen ? round(all / chosen) : 1;
    return { divisor, most: Math.max(chosen, all / divisor) };
  }

  get #chosen(): Uint32Array {
    return this.explorer.selection?.bins.hist ?? this.picture!.counts;
  }

  /** Bars of each class upon another, the most frequent class below. */
  #stack(context: CanvasRenderingContext2D, edges: number[], y: Scale): void {
    const { looks, selection } = this.explorer;
    const columns = looks.length;
    const { bins } = this.picture!;
    const chosen = this.#chosen;
    const counts = selection?.counts ?? [];
    const order = Array.from({ length: columns }, (_, k) => k).sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0));
    const below = new Float64Array(bins);
    for (const code of order) {
      context.fillStyle = classColour(looks[code]!);
      for (let bin = 0; bin < bins; bin += 1) {
        const n = chosen[bin * columns + code] ?? 0;
        if (!n) continue;
        context.fillRect(...bar(edges, bin, y.pixel(below[bin]! + n), y.pixel(below[bin]!)));
        below[bin]! += n;
      }
    }
  }

  #edges(x: Scale): number[] {
    const { bins, domain } = this.picture!;
    const [first, last] = [x.pixel(domain[0]), x.pixel(domain[1])];
    return Array.from({ length: bins + 1 }, (_, k) => first + ((last - first) * k) / bins);
  }
}

/** The next number above that is 1, 2 or 5 times a power of 10. */
function round(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= value)!;
}

function bar(edges: number[], bin: number, top: number, bottom: number): [number, number, number, number] {
  const [a, b] = [edges[bin]!, edges[bin + 1]!];
  const gap = Math.abs(b - a) > 3 ? 0.5 : 0;
  return [Math.min(a, b), top, Math.abs(b - a) - gap, bottom - top];
}

/** A line along the tops of bars. */
function steps(edges: number[], tops: number[]): Path2D {
  const line = new Path2D();
  for (const [bin, top] of tops.entries()) {
    line.lineTo(edges[bin]!, top);
    line.lineTo(edges[bin + 1]!, top);
  }
  return line;
}

function totals(counts: Uint32Array, bins: number): number[] {
  const columns = counts.length / bins;
  return Array.from({ length: bins }, (_, bin) => {
    let sum = 0;
    for (let code = 0; code < columns; code += 1) sum += counts[bin * columns + code]!;
    return sum;
  });
}
