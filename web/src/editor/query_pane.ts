// The pane of the query: form or ADQL, examples, history, run, progress, and what is wrong.
import { refused, type ErrorObject, type Refused } from "../api/transport";
import type { Progress } from "../api/session";
import { h, newId } from "../dom";
import { menu } from "../menu";
import { count, seconds } from "../numbers";
import type { Explorer } from "../state/explorer";
import { forget, past, remember } from "../state/past";
import { Editor } from "./editor";
import { queryForm } from "./form";

const CHECK_MS = 500;

export class QueryPane {
  readonly element: HTMLElement;
  readonly editor: Editor;
  readonly #fault = h("p", { class: "fault-line", role: "alert" });
  readonly #bar = h("progress", { max: 1, hidden: true, "aria-label": "Progress of the query" });
  readonly #time = h("span", { class: "note" });
  readonly #run: HTMLButtonElement;
  readonly #cancel: HTMLButtonElement;
  readonly #tabs: { button: HTMLButtonElement; panel: HTMLElement }[];
  #checks = 0;

  constructor(readonly explorer: Explorer) {
    this.editor = new Editor(explorer.about, { changed: () => this.#changed(), run: () => void this.run() });
    this.#run = h(
      "button",
      { type: "button", class: "primary", title: "Control and Enter", onclick: () => void this.run() },
      "Run",
    );
    this.#cancel = h("button", { type: "button", hidden: true, onclick: () => explorer.cancel() }, "Cancel");
    const { about } = explorer;
    const examples = menu("Examples", "Examples of queries", ({ close }) =>
      about.examples.map(({ name, query }) => this.#choice(name, query, close)),
    );
    const history = menu("History", "History of queries", ({ close }) => this.#history(close));
    const adql = h(
      "div",
      {},
      this.editor.element,
      h("div", { class: "row" }, this.#run, examples.element, history.element),
    );
    const form = queryForm(explorer, (query) => {
      this.editor.query = query;
      void this.run();
    });
    this.#tabs = [tab("Form", form), tab("ADQL", adql)];
    const list = h("div", { role: "tablist", "aria-label": "Ways to ask" }, ...this.#tabs.map(({ button }) => button));
    for (const [k, { button }] of this.#tabs.entries()) {
      button.addEventListener("click", () => this.show(k === 0 ? "form" : "adql"));
      button.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
        this.show(k === 0 ? "adql" : "form");
        this.#tabs[1 - k]!.button.focus();
      });
    }
    const title = newId("query");
    this.element = h(
      "section",
      { class: "card query", "aria-labelledby": title },
      h("header", {}, h("h2", { id: title }, "Query"), h("span", { class: "space" }), list),
      ...this.#tabs.map(({ panel }) => panel),
      h("div", { class: "row under-way" }, this.#bar, this.#time, this.#cancel),
      this.#fault,
    );
    this.show("form");
    // Whoever writes a query will run it.
    this.element.addEventListener("input", () => explorer.connection.warm(), { once: true });
    explorer.on("running", (progress) => this.#progress(progress));
    explorer.on("fault", (fault) => this.#tell(fault));
    explorer.on("result", (result) => {
      this.editor.query = explorer.query;
      remember(explorer.query, result.rows);
      this.#time.textContent = `${count(result.rows)} rows in ${seconds(result.seconds)}`;
    });
  }

  /** Show the form, or the editor. */
  show(which: "form" | "adql"): void {
    for (const [k, { button, panel }] of this.#tabs.entries()) {
      const isShown = (k === 0) === (which === "form");
      button.setAttribute("aria-selected", String(isShown));
      button.tabIndex = isShown ? 0 : -1;
      panel.hidden = !isShown;
    }
  }

  /** Write a query into the editor, and run it. */
  ask(query: string): void {
    this.show("adql");
    this.editor.query = query;
    void this.run();
  }

  async run(): Promise<void> {
    const query = this.editor.query.trim();
    if (!query) return;
    clearTimeout(this.#checks);
    // What of the axes still has its columns stays; the brushes go.
    await this.explorer.run(query, { views: this.explorer.views });
  }

  #choice(name: string, query: string, close: () => void): HTMLElement {
    const choose = () => {
      close();
      this.ask(query);
    };
    return h("button", { type: "button", class: "choice", title: query, onclick: choose }, name);
  }

  #history(close: () => void): HTMLElement[] {
    const known = past();
    if (!known.length) return [h("p", {}, "No query has run in this browser yet.")];
    const rows = known.map(({ query, rows, time }) => {
      const when = new Date(time).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" });
      const made = this.#choice("", query, close);
      made.append(h("code", {}, query), h("small", {}, `${when}, ${count(rows)} rows`));
      return made;
    });
    return [...rows, h("button", { type: "button", onclick: () => (forget(), close()) }, "Forget these")];
  }

  #changed(): void {
    this.editor.fault(null);
    clearTimeout(this.#checks);
    this.#checks = window.setTimeout(() => void this.#check(), CHECK_MS);
  }

  /** Say what is wrong while it is written. */
  async #check(): Promise<void> {
    const query = this.editor.query;
    if (!query.trim()) return this.#tell(null);
    if (this.explorer.isRunning) return; // which tells it too
    try {
      const { error } = (await this.explorer.transport("POST", "check", { query }, "json")) as { error?: ErrorObject };
      if (query === this.editor.query) this.#tell(error ? refused(error) : null);
    } catch {
      // Whoever runs the query is told what is wrong with the server.
    }
  }

  #tell(fault: Refused | null): void {
    this.#fault.textContent = fault?.message ?? "";
    this.editor.fault(fault?.place ?? null);
    if (fault?.place) this.show("adql");
  }

  #progress(progress: Progress | null): void {
    const isRunning = progress !== null;
    this.#run.disabled = isRunning;
    this.#cancel.hidden = this.#bar.hidden = !isRunning;
    if (!isRunning) {
      if (this.#time.textContent?.startsWith("running")) this.#time.textContent = "";
      return;
    }
    if (progress.progress === null) this.#bar.removeAttribute("value");
    else this.#bar.value = progress.progress;
    this.#time.textContent = `running, ${seconds(progress.seconds)}`;
  }
}

function tab(name: string, content: HTMLElement): { button: HTMLButtonElement; panel: HTMLElement } {
  const [buttonId, panelId] = [newId("tab"), newId("panel")];
  const button = h("button", { type: "button", role: "tab", id: buttonId, "aria-controls": panelId }, name);
  const panel = h("div", { id: panelId, role: "tabpanel", "aria-labelledby": buttonId }, content);
  return { button, panel };
}
