// The page as a widget in Jupyter: the same views, which ask the kernel; what is selected goes back to it.
import { comm, type Channel } from "./api/comm";
import type { About } from "./api/types";
import { mount } from "./app";
import { h } from "./dom";
import { NOTHING, type Filter } from "./state/filter";
import type { Views } from "./state/views";

interface Model extends Channel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
}

interface Start {
  query: string;
  views?: Views | null;
  filter?: Partial<Filter>;
}

/** JupyterLab looks for this at what has the focus. */
const WITHOUT_SHORTCUTS = "data-lm-suppress-shortcuts";

async function render({ model, el }: { model: Model; el: HTMLElement }): Promise<void> {
  const root = h("div", {});
  // Else JupyterLab takes keys for its own: two times D deletes the cell.
  root.addEventListener("focusin", ({ target }) => (target as Element).toggleAttribute(WITHOUT_SHORTCUTS, true));
  el.append(root);
  const transport = comm(model);
  const about = (await transport("GET", "about", undefined, "json")) as About;
  const { explorer, query } = mount(root, about, transport);
  const tell = () => {
    model.set("filter", explorer.conditions);
    model.save_changes();
  };
  explorer.on("settled", tell);
  explorer.on("result", tell);
  const start = model.get("start") as Start | null;
  if (!start?.query) return;
  query.show("adql");
  query.editor.query = start.query;
  await explorer.run(start.query, { views: start.views ?? null, filter: { ...NOTHING, ...start.filter } });
}

export default { render };
