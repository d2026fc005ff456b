// Where a value lies along a side of a drawing, in pixels.
import { tickStep, ticks } from "d3-array";
import { format, precisionFixed } from "d3-format";
import { raised } from "../numbers";

export interface Tick {
  at: number;
  text: string;
}

/** What the values are. */
export type Kind = "number" | "angle" | "count";

export class Scale {
  /** domain : from the least to the largest value; size : pixels; flipped : whether the largest is at pixel 0 */
  constructor(
    readonly domain: readonly [number, number],
    readonly size: number,
    readonly flipped: boolean,
    readonly log = false,
  ) {}

  /** The value as the drawing has it: its logarithm where the axis is logarithmic. */
  along(value: number): number {
    return this.log ? Math.log10(value) : value;
  }

  get window(): [number, number] {
    return [this.along(this.domain[0]), this.along(this.domain[1])];
  }

  pixel(value: number): number {
    const [low, high] = this.window;
    const part = (this.along(value) - low) / (high - low || 1);
    return this.size * (this.flipped ? 1 - part : part);
  }

  value(pixel: number): number {
    const [low, high] = this.window;
    const part = this.flipped ? 1 - pixel / this.size : pixel / this.size;
    const along = low + part * (high - low);
    return this.log ? 10 ** along : along;
  }

  /** The change of the value in a pixel, at a pixel. */
  step(pixel: number): number {
    return Math.abs(this.value(pixel + 0.5) - this.value(pixel - 0.5));
  }

  /** About so many marks with round values; angles beyond 360 are told within it, and counts are whole. */
  ticks(about: number, kind: Kind = "number"): Tick[] {
    const [low, high] = this.domain;
    let wish = kind === "count" ? Math.max(1, Math.min(about, Math.floor(high))) : about;
    if (!(high > low)) return [{ at: this.pixel(low), text: format("~g")(low) }];
    if (this.log) return logTicks(low, high, wish).map((value) => ({ at: this.pixel(value), text: power(value) }));
    // One mark gives no scale.
    while (kind !== "count" && wish < about + 3 && ticks(low, high, wish).length < 2) wish += 1;
    const digits = precisionFixed(tickStep(low, high, wish));
    const most = Math.max(Math.abs(low), Math.abs(high));
    const write = most >= 1e5 || (most < 1e-3 && most > 0) ? format("~s") : format(`.${digits}f`);
    return ticks(low, high, wish).map(
      (value) => ({ at: this.pixel(value), text: write(kind === "angle" ? (value + 360) % 360 : value) }),
    );
  }
}

/** Powers of ten; between few of them also 2 and 5 times these. */
function logTicks(low: number, high: number, wish: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = Math.log10(high) - Math.log10(low);
  const every = Math.max(1, Math.ceil(decades / wish));
  const factors = decades * 3 <= wish * 1.6 ? [1, 2, 5] : [1];
  const made: number[] = [];
  for (let exponent = first; exponent <= last; exponent += 1) {
    if (exponent % every) continue;
    for (const factor of factors) made.push(factor * 10 ** exponent);
  }
  const inside = made.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  return inside.length >= 2 ? inside : ticks(low, high, wish).filter((value) => value > 0);
}

function power(value: number): string {
  if (value >= 1e-3 && value < 1e5) return String(Number(value.toPrecision(3)));
  const exponent = Math.floor(Math.log10(value) + 1e-9);
  const factor = Math.round(value / 10 ** exponent);
  return `${factor === 1 ? "" : `${factor}·`}10${raised(String(exponent))}`;
}
