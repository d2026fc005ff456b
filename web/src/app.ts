// The whole page, put together in an element.
import type { Transport } from "./api/transport";
import type { About, ViewName } from "./api/types";
import { QueryPane } from "./editor/query_pane";
import { fill, h } from "./dom";
import { SourcePanel } from "./source/panel";
import { Explorer } from "./state/explorer";
import { takeAway } from "./take/take_away";
import { wear } from "./theme";
import { ClassesView } from "./views/classes";
import { HistogramView } from "./views/histogram";
import { PlaneView } from "./views/plane";
import { canDrawPoints } from "./views/points";
import { Selected } from "./views/selected";
import { TableView } from "./views/table";

/** Of queries, that the first screen shows. */
const EXAMPLES = 4;

export interface App {
  explorer: Explorer;
  query: QueryPane;
}

export function mount(root: HTMLElement, about: About, transport: Transport): App {
  wear(root);
  const explorer = new Explorer(about, transport);
  if (!canDrawPoints()) explorer.mostPoints = 0;
  const views = {
    sky: new PlaneView("sky", explorer),
    cmd: new PlaneView("cmd", explorer),
    cc: new PlaneView("cc", explorer),
    hist: new HistogramView(explorer),
  };
  explorer.pixels = (view: ViewName) => views[view].pixels;
  const query = new QueryPane(explorer);
  const grid = h("div", { class: "views" }, ...Object.values(views).map((view) => view.element));
  const source = new SourcePanel(explorer);
  explorer.on("source", (row) => root.classList.toggle("with-source", row !== null));
  root.classList.add("sedsql");
  const main = h(
    "main",
    { "aria-busy": "false" },
    h("div", { class: "left" }, query.element, new ClassesView(explorer).element, takeAway(explorer)),
    h(
      "div",
      { class: "middle" },
      welcome(explorer, (example) => query.ask(example)),
      new Selected(explorer).element,
      grid,
      new TableView(explorer).element,
    ),
    source.element,
  );
  explorer.connection.on("busy", (isBusy) => main.setAttribute("aria-busy", String(isBusy)));
  fill(root, banner(about), h("div", { class: "lines" }, lost(explorer), trouble(explorer)), main);
  return { explorer, query };
}

function banner(about: About): HTMLElement {
  const model = about.model ? `, classes by ${about.model}` : "";
  return h(
    "header",
    { class: "banner" },
    h("h1", {}, "sedsql explore"),
    h("span", { class: "note" }, `${about.mirror}${model}`),
  );
}

function lost(explorer: Explorer): HTMLElement {
  const line = h("p", { class: "lost", role: "alert", hidden: true });
  explorer.connection.on("lost", (isLost) => {
    line.hidden = !isLost;
    line.textContent = isLost
      ? "The server does not answer. What is on the screen stays, and the page goes on when the server is back."
      : "";
  });
  return line;
}

function trouble(explorer: Explorer): HTMLElement {
  const text = h("span", {});
  const close = h(
    "button",
    { type: "button", "aria-label": "Close this message", onclick: () => (line.hidden = true) },
    "×",
  );
  const line = h("p", { class: "trouble", role: "alert", hidden: true }, text, close);
  explorer.on("trouble", (told) => {
    text.textContent = told ?? "";
    line.hidden = told === null;
  });
  explorer.on("selection", () => (line.hidden = true));
  return line;
}

function welcome(explorer: Explorer, ask: (query: string) => void): HTMLElement {
  const examples = explorer.about.examples
    .slice(0, EXAMPLES)
    .map(({ name, query }) => h("button", { type: "button", title: query, onclick: () => ask(query) }, name));
  const element = h(
    "div",
    { class: "welcome" },
    h(
      "p",
      {},
      h("b", {}, "1."),
      " Name a region in the form, or write ADQL. The views below then show its sources, coloured by class.",
    ),
    h("p", {}, h("b", {}, "2."), " Drag across a view: all others show what is selected there."),
    h(
      "p",
      {},
      h("b", {}, "3."),
      " Click a source, in a view or in the table: its spectral energy distribution, its class, and why.",
    ),
    examples.length > 0 && h("p", { class: "row" }, "Or begin with an example:", ...examples),
  );
  explorer.on("result", () => (element.hidden = true));
  return element;
}
