// The line above the views: how many sources are selected, and by what; each brush can be taken away.
import { fill, h } from "../dom";
import { count, counted, seconds, short } from "../numbers";
import type { Explorer } from "../state/explorer";
import { isEmpty, NOTHING, withRange, type Filter } from "../state/filter";
import { axisName } from "../state/names";
import { TITLES } from "../state/views";
import type { ViewName } from "../api/types";

export class Selected {
  readonly element: HTMLElement;
  readonly #count = h("strong", {});
  readonly #of = h("span", {});
  readonly #spoken = h("span", { class: "unseen", role: "status" });
  readonly #chips = h("span", { class: "chips" });
  readonly #hint = h("span", { class: "note" });
  #speaks = 0;

  constructor(readonly explorer: Explorer) {
    this.element = h(
      "div",
      { class: "selected", hidden: true },
      h("span", { class: "told" }, this.#count, this.#of),
      this.#chips,
      this.#hint,
      this.#spoken,
    );
    explorer.on("result", () => (this.element.hidden = false));
    explorer.on("selection", () => this.#tell());
    explorer.on("filter", (filter) => this.#show(filter));
  }

  #tell(): void {
    const { selection, result } = this.explorer;
    if (!selection || !result) return;
    this.#count.textContent = count(selection.count);
    this.#of.textContent = ` of ${counted(result.rows, "source")} selected`;
    this.#hint.textContent = hint(result.rows, isEmpty(this.explorer.filter));
    this.#of.title = `The query took ${seconds(result.seconds)}.`;
    if (result.truncated) {
      const total = result.total ? count(result.total) : "more";
      this.#of.textContent += ` (the query has ${total}: these are as many as the page takes)`;
    }
    // While a brush moves nobody wants to hear each number.
    clearTimeout(this.#speaks);
    this.#speaks = window.setTimeout(() => {
      this.#spoken.textContent = `${counted(selection.count, "source")} selected`;
    }, 600);
  }

  #show(filter: Filter): void {
    const chips: HTMLElement[] = [];
    for (const [view, range] of Object.entries(filter.ranges) as [ViewName, number[]][]) {
      chips.push(this.#chip(TITLES[view], this.#told(view, range), () => withRange(this.explorer.filter, view, null)));
    }
    if (filter.classes) {
      const names = filter.classes.map((name) => name ?? "no class");
      const told = names.length > 3 ? `${names.length} classes` : names.join(", ") || "no class at all";
      chips.push(this.#chip("Classes", told, () => ({ ...this.explorer.filter, classes: null })));
    }
    if (filter.probability > 0) {
      const told = `≥ ${filter.probability.toFixed(2)}`;
      chips.push(this.#chip("Probability", told, () => ({ ...this.explorer.filter, probability: 0 })));
    }
    if (filter.rows) {
      chips.push(this.#chip(
        "Another program",
        counted(filter.rows.length, "source"),
        () => ({ ...this.explorer.filter, rows: null }),
      ));
    }
    if (!isEmpty(filter)) {
      chips.push(h(
        "button",
        { type: "button", class: "clear", onclick: () => this.explorer.setFilter(NOTHING) },
        "Select all",
      ));
    }
    fill(this.#chips, ...chips);
  }

  #chip(name: string, told: string, without: () => Filter): HTMLElement {
    const remove = h(
      "button",
      { type: "button", "aria-label": `Remove: ${name} ${told}`, onclick: () => this.explorer.setFilter(without()) },
      "×",
    );
    return h("span", { class: "chip", title: told }, h("b", {}, name), ` ${told} `, remove);
  }

  #told(view: ViewName, range: number[]): string {
    const axes = this.explorer.views[view];
    const sides = [axes?.x, axes?.y].flatMap((axis) => (axis ? [axisName(axis, this.explorer.about)] : []));
    return sides.map((name, k) => `${name} ${short(range[2 * k]!)} to ${short(range[2 * k + 1]!)}`).join(", ");
  }
}

/** What one can do next, as long as nothing is selected. */
function hint(rows: number, isWhole: boolean): string {
  if (!rows) return "No source of this mirror is like that: widen the limits, or ask for another place.";
  return isWhole ? "Drag across a view to select, click a source to see its SED and class." : "";
}
