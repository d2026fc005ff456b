// The selected sources as a table, page by page, sorted by a column.
import type { Column, Order, Value } from "../api/types";
import { fill, h, newId } from "../dom";
import { count, short, unit } from "../numbers";
import type { Explorer } from "../state/explorer";
import { Newest } from "../state/newest";
import { legendMark } from "./legend_mark";

const PAGE = 50;
const SETTLES_MS = 250;
/** For so long a brush rests before the table follows it. */
const RESTS_MS = 1000;
/** What astronomers look at first. */
const FIRST = ["source_id", "designation", "ra", "dec", "class", "probability", "class_probability"];

export class TableView {
  readonly element: HTMLElement;
  readonly #head = h("tr", {});
  readonly #body = h("tbody", {});
  readonly #told = h("span", { class: "note" });
  readonly #back: HTMLButtonElement;
  readonly #next: HTMLButtonElement;
  #order: Order[] = [];
  #offset = 0;
  #total = 0;
  #shown: number | null = null;
  #settles = 0;
  readonly #asks = new Newest<void>(() => this.#load());

  constructor(readonly explorer: Explorer) {
    const title = newId("table");
    this.#back = h("button", { type: "button", onclick: () => this.#turn(-PAGE) }, "Previous");
    this.#next = h("button", { type: "button", onclick: () => this.#turn(PAGE) }, "Next");
    const table = h("table", { "aria-labelledby": title }, h("thead", {}, this.#head), this.#body);
    this.element = h(
      "section",
      { class: "card table", "aria-labelledby": title, hidden: true },
      h(
        "header",
        {},
        h("h3", { id: title }, "Table"),
        this.#told,
        h("span", { class: "space" }),
        this.#back,
        this.#next,
      ),
      h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Rows of the table" }, table),
    );
    explorer.on("result", () => {
      this.element.hidden = false;
      this.#order = [];
      fill(this.#body);
    });
    explorer.on("selection", () => {
      this.#offset = 0;
      clearTimeout(this.#settles);
      this.#settles = window.setTimeout(() => this.#asks.ask(), explorer.isSettled ? SETTLES_MS : RESTS_MS);
    });
    explorer.on("source", (row) => {
      this.#shown = row;
      for (const line of this.#body.rows) line.classList.toggle("shown", line.dataset.row === String(row));
    });
  }

  async #load(): Promise<void> {
    const { result } = this.explorer;
    if (!result) return;
    const found = await this.explorer.ask((session) =>
      session.rows(this.explorer.conditions, this.#order, this.#offset, PAGE),
    );
    if (!found || result !== this.explorer.result) return;
    this.#total = found.total;
    const places = inOrder(result.columns);
    fill(
      this.#head,
      h("th", { scope: "col" }, h("span", { class: "unseen" }, "Show")),
      ...places.map((k) => this.#title(result.columns[k]!)),
    );
    fill(this.#body, ...found.rows.map(([row, ...values]) => this.#line(Number(row), places, result.columns, values)));
    const last = Math.min(this.#total, this.#offset + found.rows.length);
    const told = `${count(this.#offset + 1)} to ${count(last)} of ${count(this.#total)}`;
    this.#told.textContent = this.#total ? told : "no sources";
    this.#back.disabled = this.#offset === 0;
    this.#next.disabled = last >= this.#total;
  }

  #title(column: Column): HTMLElement {
    const by = this.#order[0]?.column === column.name ? this.#order[0] : null;
    const told = [column.description, column.ucd].filter(Boolean).join("\n");
    const sort = h("button", { type: "button", title: told || null, onclick: () => this.#sort(column.name) },
      column.name, column.unit ? h("small", {}, ` ${unit(column.unit)}`) : null,
      h("span", { class: "sort", "aria-hidden": "true" }, by ? (by.descending ? " ▼" : " ▲") : ""));
    return h("th", { scope: "col", "aria-sort": by ? (by.descending ? "descending" : "ascending") : null }, sort);
  }

  #line(row: number, places: number[], columns: Column[], values: Value[]): HTMLElement {
    const named = places.map((k) => values[k] ?? null);
    const name = places.length ? String(named[0] ?? row) : String(row);
    const show = h("button", { type: "button", class: "show", "aria-label": `Show source ${name}` }, "▸");
    const cells = places.map((k) => cell(columns[k]!, values[k] ?? null, this.explorer));
    const line = h(
      "tr",
      { "data-row": row, class: row === this.#shown && "shown", onclick: () => this.explorer.show(row) },
      h("td", {}, show),
      ...cells,
    );
    return line;
  }

  #sort(column: string): void {
    const [now] = this.#order;
    const descending = now?.column === column ? !now.descending : false;
    this.#order = [{ column, descending }];
    this.#offset = 0;
    this.#asks.ask();
  }

  #turn(by: number): void {
    this.#offset = Math.max(0, this.#offset + by);
    this.#asks.ask();
  }
}

function cell(column: Column, value: Value, explorer: Explorer): HTMLElement {
  if (value === null) return h("td", { class: "null" }, "–");
  if (column.name === "class") {
    const mark = legendMark(explorer.lookOf(String(value)));
    return h("td", {}, h("span", { class: "class-name" }, mark, String(value)));
  }
  if (column.kind !== "number") return h("td", {}, String(value));
  const written = typeof value === "number" && !Number.isInteger(value) ? short(value, 7) : String(value);
  return h("td", { class: "number" }, written);
}

/** The places of the columns, as they are shown. */
function inOrder(columns: Column[]): number[] {
  const rank = ({ name }: Column) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return columns.map((_, k) => k).sort((a, b) => rank(columns[a]!) - rank(columns[b]!) || a - b);
}
