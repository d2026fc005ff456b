// The classes: how many sources each has, and of these how many are selected; choose classes and a least probability.
import type { Pictures, Selection } from "../api/pictures";
import { fill, h, newId } from "../dom";
import { count } from "../numbers";
import type { Explorer } from "../state/explorer";
import type { Filter } from "../state/filter";
import { classColour, noClass, onTheme } from "../theme";
import { legendMark } from "./legend_mark";

interface Row {
  /** null for no class */
  name: string | null;
  element: HTMLElement;
  box: HTMLInputElement;
  bar: HTMLElement;
  chosen: HTMLElement;
  all: number;
}

export class ClassesView {
  readonly element: HTMLElement;
  readonly #branches = h("div", { class: "branches", role: "group", "aria-label": "Branches of the tree of classes" });
  readonly #list = h("div", { class: "class-rows" });
  readonly #note = h("p", { class: "note" });
  readonly #slider: HTMLInputElement;
  readonly #least = h("output", {});
  readonly #choices = h("div", {});
  #rows: Row[] = [];
  #buttons: { classes: string[]; button: HTMLButtonElement }[] = [];

  constructor(readonly explorer: Explorer) {
    const slider = newId("probability");
    this.#slider = h("input", { type: "range", id: slider, min: 0, max: 1, step: 0.01, value: 0 });
    this.#slider.addEventListener("input", () => this.#choose({ probability: Number(this.#slider.value) }, false));
    this.#slider.addEventListener("change", () => this.#choose({ probability: Number(this.#slider.value) }));
    const all = h("button", { type: "button", onclick: () => this.#choose({ classes: null }) }, "All");
    const none = h("button", { type: "button", onclick: () => this.#choose({ classes: [] }) }, "None");
    fill(
      this.#choices,
      this.#branches,
      this.#list,
      h("div", { class: "least" }, h("label", { for: slider }, "Probability at least"), this.#slider, this.#least),
    );
    const title = newId("classes");
    this.element = h(
      "section",
      { class: "card classes", "aria-labelledby": title, hidden: true },
      h("header", {}, h("h2", { id: title }, "Classes"), h("span", { class: "space" }), all, none),
      this.#note,
      this.#choices,
    );
    explorer.on("result", () => (this.element.hidden = false));
    explorer.on("pictures", (pictures) => this.#take(pictures));
    explorer.on("selection", (selection) => this.#tell(selection));
    explorer.on("filter", (filter) => this.#show(filter));
    onTheme(() => explorer.pictures && this.#take(explorer.pictures));
  }

  #take(pictures: Pictures): void {
    const { looks, result } = this.explorer;
    this.#note.textContent = result?.note ?? "";
    this.#note.hidden = !result?.note;
    const most = Math.max(1, ...pictures.counts);
    this.#choices.hidden = !result?.classes.length;
    this.#rows = looks.flatMap((look, code) => {
      const all = pictures.counts[code] ?? 0;
      return all ? [this.#row(look === noClass ? null : look.name, all, most)] : [];
    });
    this.#rows.sort((a, b) => Number(a.name === null) - Number(b.name === null) || b.all - a.all);
    fill(this.#list, ...this.#rows.map((row) => row.element));
    this.#fillBranches();
    this.#show(this.explorer.filter);
    if (this.explorer.selection) this.#tell(this.explorer.selection);
  }

  /** A button for each branch of the tree, such as all that is young. */
  #fillBranches(): void {
    const branches = new Map<string, string[]>();
    for (const { name } of this.#rows) {
      const [branch, below] = (name ? (this.explorer.lookOf(name).path ?? "") : "").split("/");
      if (name && branch && below) branches.set(branch, [...(branches.get(branch) ?? []), name]);
    }
    this.#buttons = [...branches].map(([branch, classes]) => {
      const choose = () => this.#choose({ classes });
      return { classes, button: h("button", { type: "button", title: classes.join(", "), onclick: choose }, branch) };
    });
    this.#branches.hidden = this.#buttons.length < 2;
    fill(this.#branches, h("span", {}, "only"), ...this.#buttons.map(({ button }) => button));
  }

  #row(name: string | null, all: number, most: number): Row {
    const look = this.explorer.lookOf(name);
    const box = h("input", { type: "checkbox", onchange: () => this.#toggle(name, box.checked) });
    const bar = h("span", { class: "bar" });
    const whole = h("span", { class: "bars" }, bar);
    bar.style.background = classColour(look);
    whole.style.width = `${Math.max(2, 100 * Math.sqrt(all / most))}%`;
    const chosen = h("span", { class: "chosen" });
    const only = h(
      "button",
      {
        type: "button",
        class: "only",
        "aria-label": `Only ${look.name}`,
        onclick: () => this.#choose({ classes: [name] }),
      },
      "only",
    );
    const label = h(
      "label",
      { title: [look.path, look.means].filter(Boolean).join("\n") },
      box,
      legendMark(look),
      h("span", { class: "name" }, look.name),
    );
    const numbers = h("span", { class: "numbers" }, chosen, h("span", { class: "of" }, ` of ${count(all)}`));
    const element = h(
      "div",
      { class: "class-row" },
      label,
      only,
      numbers,
      h("span", { class: "track", "aria-hidden": "true" }, whole),
    );
    return { name, element, box, bar, chosen, all };
  }

  #tell(selection: Selection): void {
    const { looks } = this.explorer;
    for (const row of this.#rows) {
      const code = looks.findIndex((look) => look.name === (row.name ?? noClass.name));
      const n = selection.counts[code] ?? 0;
      row.chosen.textContent = count(n);
      row.bar.style.width = `${(100 * n) / row.all}%`;
      row.element.classList.toggle("off", n === 0);
    }
  }

  #show(filter: Filter): void {
    for (const row of this.#rows) row.box.checked = filter.classes === null || filter.classes.includes(row.name);
    for (const { classes, button } of this.#buttons) {
      button.setAttribute("aria-pressed", String(filter.classes?.join() === classes.join()));
    }
    if (document.activeElement !== this.#slider) this.#slider.value = String(filter.probability);
    this.#least.textContent = filter.probability.toFixed(2);
  }

  #toggle(name: string | null, isIn: boolean): void {
    const now = this.explorer.filter.classes ?? this.#rows.map((row) => row.name);
    const chosen = now.filter((one) => one !== name).concat(isIn ? [name] : []);
    const isAll = this.#rows.every((row) => chosen.includes(row.name));
    this.#choose({ classes: isAll ? null : chosen });
  }

  #choose(change: Partial<Filter>, settled = true): void {
    this.explorer.setFilter({ ...this.explorer.filter, ...change }, settled);
  }
}
