// What a source has along an axis, of its values in the result.
import type { Axis, Value } from "../api/types";

export type Values = Record<string, Value>;

/** NaN where it has none, as the server computes it too. */
export function valueOf(axis: Axis, values: Values): number {
  const number = (column: string) => {
    const value = values[column];
    return value === null || value === undefined ? Number.NaN : Number(value);
  };
  if ("column" in axis) return number(axis.column);
  if ("minus" in axis) return number(axis.minus[0]) - number(axis.minus[1]);
  const parallax = number("parallax");
  return parallax > 0 ? number(axis.absolute) + 5 * Math.log10(parallax) - 10 : Number.NaN;
}

/** An angle within a domain that may cross 0. */
export function within(value: number, isAngle: boolean, [low, high]: [number, number]): number {
  if (!isAngle) return value;
  return [value, value - 360, value + 360].find((angle) => angle >= low && angle <= high) ?? value;
}
