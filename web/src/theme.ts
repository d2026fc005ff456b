// Colours: those of classes come from the server, the rest from the style sheet, for light and for dark.
import { NO_CLASS } from "./api/pictures";
import type { About, ClassLook } from "./api/types";

export type Rgb = [number, number, number];

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Call when the browser changes between light and dark. */
export function onTheme(changed: () => void): void {
  dark.addEventListener("change", changed);
}

/** A colour of the style sheet, such as "--line". */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function rgb(hex: string): Rgb {
  const n = Number.parseInt(hex.slice(1), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

/** The colour of a class, lightened where it could not be seen on black. */
export function classColour(look: ClassLook): string {
  return dark.matches ? lightened(look.colour) : look.colour;
}

export const noClass: ClassLook = { name: "no class", colour: "#8c8c8c", marker: "o" };

/** How a class code looks. */
export function look(about: About, code: number): ClassLook {
  return code === NO_CLASS ? noClass : (about.classes[code] ?? noClass);
}

export function lookOf(about: About, name: string | null): ClassLook {
  return about.classes.find((one) => one.name === name) ?? noClass;
}

function lightened(hex: string): string {
  const [r, g, b] = rgb(hex).map((value) => value / 255) as Rgb;
  const most = Math.max(r, g, b);
  const least = Math.min(r, g, b);
  const lightness = (most + least) / 2;
  if (0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3) return hex;
  if (most === least) return "#ffffff";
  // The same hue and saturation, as light as it was dark.
  const towards = 1 - lightness;
  const spread = ((most - least) / (1 - Math.abs(2 * lightness - 1))) * (1 - Math.abs(2 * towards - 1));
  const low = towards - spread / 2;
  const made = [r, g, b].map((value) => Math.round(255 * (low + ((value - least) / (most - least)) * spread)));
  return `#${made.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
