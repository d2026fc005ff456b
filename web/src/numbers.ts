// Write numbers for people.
import { format } from "d3-format";

const grouped = format(",");

/** 12345 as 12,345. */
export function count(n: number): string {
  return grouped(n);
}

/** "1 source", "12,345 sources". */
export function counted(n: number, word: string): string {
  return `${grouped(n)} ${word}${n === 1 ? "" : "s"}`;
}

/** A number with some significant digits, without zeros at its end. */
export function short(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(Math.max(0, digits - 1));
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

/** A probability as "0.93"; what is nearly 1 is not said to be 1. */
export function probability(p: number): string {
  return p > 0.995 && p < 1 ? "> 0.99" : p.toFixed(2);
}

/** A unit of VOUnits as people write it: mas.yr**-1 as "mas yr⁻¹". */
export function unit(written: string): string {
  const raised = (_: string, power: string) => power.replace(/./g, (letter) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(letter)] ?? "");
  return written.replace(/\*\*(-?\d+)/g, raised).replaceAll(".", " ");
}

/** Seconds as "0.42 s" or "3 min 5 s". */
export function seconds(s: number): string {
  if (s < 10) return `${s.toFixed(s < 1 ? 2 : 1)} s`;
  return s < 60 ? `${Math.round(s)} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

/** A double rounded to about a tenth of `step`, so that it is short to read and to send. */
export function rounded(value: number, step: number): number {
  if (!(step > 0) || !Number.isFinite(step)) return value;
  const digits = Math.ceil(-Math.log10(step)) + 1;
  return digits > 15 || digits < -15 ? value : Number(value.toFixed(Math.max(0, Math.min(15, digits))));
}
