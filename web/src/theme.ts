// Colours: those of classes come from the server, the rest from the style sheet, for light and for dark.
import type { ClassLook } from "./api/types";

/** Luminance whose contrast with the dark ground is 3. */
const SEEN_ON_BLACK = 0.14;

export type Rgb = [number, number, number];

const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
dark.addEventListener("change", tell);
// JupyterLab has a theme of its own.
new MutationObserver(tell).observe(document.body, { attributeFilter: ["data-jp-theme-light"] });

function tell(): void {
  for (const listener of listeners) listener();
}

function isDark(): boolean {
  const notebook = document.body.dataset.jpThemeLight;
  return notebook === undefined ? dark.matches : notebook === "false";
}

/** Call when the browser, or the notebook, changes between light and dark. */
export function onTheme(changed: () => void): void {
  listeners.add(changed);
}

/** Have an element be light or dark. */
export function wear(element: HTMLElement): void {
  const change = () => (element.dataset.theme = isDark() ? "dark" : "light");
  onTheme(change);
  change();
}

/** A colour of the style sheet, such as "--line". */
export function colour(name: string): string {
  return getComputedStyle(document.querySelector(".sedsql") ?? document.documentElement).getPropertyValue(name).trim();
}

export function rgb(hex: string): Rgb {
  const n = Number.parseInt(hex.slice(1), 16);
  return [(n >> 16) & 255, (n >> 8) & 255, n & 255];
}

/** The colour of a class, lightened where it could not be seen on black. */
export function classColour(look: ClassLook): string {
  return isDark() ? lightened(look.colour) : look.colour;
}

export const noClass: ClassLook = { name: "no class", colour: "#8c8c8c", marker: "o" };

/** The same hue and saturation, as light as it must be on black. */
export function lightened(hex: string): string {
  let made = rgb(hex);
  for (let lightness = 0; luminance(made) < SEEN_ON_BLACK && lightness <= 1; lightness += 0.02) {
    made = withLightness(rgb(hex), lightness);
  }
  return `#${made.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

function withLightness(given: Rgb, lightness: number): Rgb {
  const [most, least] = [Math.max(...given), Math.min(...given)];
  if (most === least) return [255, 255, 255];
  const own = (most + least) / 510;
  const saturation = (most - least) / 255 / (1 - Math.abs(2 * own - 1));
  const spread = saturation * (1 - Math.abs(2 * lightness - 1));
  const low = lightness - spread / 2;
  return given.map((value) => Math.round(255 * (low + ((value - least) / (most - least)) * spread))) as Rgb;
}

/** Relative luminance (WCAG 2.2). */
function luminance(given: Rgb): number {
  const [r, g, b] = given.map(
    (value) => (value <= 10 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4),
  ) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
