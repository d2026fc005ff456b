// Bars: what each band adds to the probability of the class, and the probabilities of all classes.
import type { About, Source } from "../api/types";
import { h } from "../dom";
import { probability } from "../numbers";
import type { Explorer } from "../state/explorer";
import { bandName } from "../state/names";
import { classColour } from "../theme";
import { legendMark } from "../views/legend_mark";

const LEAST = 0.005;

/** Bars to the right speak for the class, those to the left against it. */
export function contributionBars(source: Source, about: About): HTMLElement {
  const given = Object.entries(source.contributions ?? {}).filter(([, p]) => Number.isFinite(p));
  const most = Math.max(...given.map(([, p]) => Math.abs(p)), 0.01);
  given.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const lines = given.map(([band, p]) => {
    const bar = h("span", { class: p < 0 ? "against" : "for" });
    Object.assign(bar.style, { width: `${(50 * Math.abs(p)) / most}%`, [p < 0 ? "right" : "left"]: "50%" });
    const written = `${p < 0 ? "−" : "+"}${Math.abs(p).toFixed(2)}`;
    return line(bandName(band, about), h("span", { class: "both", "aria-hidden": "true" }, bar), written);
  });
  return h("ul", { class: "bars-list" }, ...lines);
}

export function probabilityBars(source: Source, explorer: Explorer): HTMLElement {
  const given = Object.entries(source.probabilities ?? {}).filter(([, p]) => p >= LEAST);
  given.sort(([, a], [, b]) => b - a);
  const lines = given.map(([name, p]) => {
    const look = explorer.lookOf(name);
    const bar = h("span", { class: "one" });
    Object.assign(bar.style, { width: `${100 * p}%`, background: classColour(look) });
    return line(h("span", { class: "class-name" }, legendMark(look), name), h("span", { class: "whole", "aria-hidden": "true" }, bar), probability(p));
  });
  return h("ul", { class: "bars-list" }, ...lines);
}

function line(name: string | Node, bar: HTMLElement, written: string): HTMLElement {
  return h("li", {}, h("span", { class: "name" }, name), bar, h("span", { class: "number" }, written));
}
