// Write the ADQL of the form.
import type { Region } from "../api/types";

type Limits = [low: number | null, high: number | null];

export interface Asked {
  region: (Region & { radius: number }) | null;
  magnitude: Limits;
  parallax: Limits;
  classes: string[];
}

export function writeQuery({ region, magnitude, parallax, classes }: Asked): string {
  const conditions: string[] = [];
  if (region) {
    const circle = `CIRCLE(${plain(region.ra)}, ${plain(region.dec)}, ${plain(region.radius)})`;
    conditions.push(`1 = CONTAINS(POINT(s.ra, s.dec), ${circle})`);
  }
  conditions.push(...within("s.phot_g_mean_mag", magnitude), ...within("s.parallax", parallax));
  const names = classes.map((name) => `'${name.replaceAll("'", "''")}'`).join(", ");
  if (classes.length === 1) conditions.push(`sed_class(s) = ${names}`);
  else if (classes.length) conditions.push(`sed_class(s) IN (${names})`);
  const where = conditions.length ? `\nWHERE ${conditions.join("\n  AND ")}` : "";
  return `SELECT s.*, sed_class(s) AS class, sed_probability(s) AS probability\nFROM sed.photometry AS s${where}`;
}

function within(column: string, [low, high]: Limits): string[] {
  if (low !== null && high !== null) return [`${column} BETWEEN ${plain(low)} AND ${plain(high)}`];
  if (low !== null) return [`${column} >= ${plain(low)}`];
  return high === null ? [] : [`${column} <= ${plain(high)}`];
}

/** A number that ADQL reads. */
function plain(value: number): string {
  return String(value);
}
