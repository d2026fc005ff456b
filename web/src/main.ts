// The page of its own: it asks by HTTP, and its URL holds what is shown.
import { http } from "./api/http";
import type { About } from "./api/types";
import { mount, type App } from "./app";
import { fill, h } from "./dom";
import { wear } from "./theme";
import { fromHash, toHash } from "./state/hash";

const RETRY_MS = 2000;

async function begin(): Promise<void> {
  const root = h("div", {});
  const about = await askAbout();
  fill(document.body, root);
  link(mount(root, about, http));
}

async function askAbout(): Promise<About> {
  for (;;) {
    try {
      return (await http("GET", "about", undefined, "json")) as About;
    } catch (error) {
      const told = error instanceof Error ? error.message : "";
      fill(document.body, h("p", { class: "loading", role: "alert" }, `${told} Trying again …`));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** Keep the URL in step with the page, and the page with the URL. */
function link({ explorer, query }: App): void {
  let isReading = false;
  const write = () => {
    const hash = toHash({ query: explorer.query, views: explorer.views, filter: explorer.filter });
    if (hash === location.hash) return;
    if (isReading) history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
  };
  const read = async (): Promise<void> => {
    const shown = fromHash(location.hash);
    if (!shown) return;
    query.show("adql");
    query.editor.query = shown.query;
    const kept = { views: shown.views, filter: shown.filter };
    if (shown.query === explorer.query && JSON.stringify(shown.views) === JSON.stringify(explorer.views)) {
      explorer.setFilter(shown.filter, false);
    } else {
      isReading = true;
      await explorer.run(shown.query, kept);
      isReading = false;
    }
  };
  explorer.on("settled", write);
  explorer.on("running", (progress) => progress === null && explorer.result && !explorer.isRunning && write());
  addEventListener("popstate", () => void read());
  query.editor.query = explorer.about.examples[0]?.query ?? "";
  void read();
}

wear(document.documentElement);
void begin();
