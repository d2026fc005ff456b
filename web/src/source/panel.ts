// A source: its class and why, its SED, its bands, links.
import type { Source } from "../api/types";
import { isAbort } from "../api/transport";
import { fill, h, newId } from "../dom";
import { probability, short } from "../numbers";
import type { Explorer } from "../state/explorer";
import { legendMark } from "../views/legend_mark";
import { bandTable } from "./bands";
import { contributionBars, probabilityBars } from "./bars";
import { neighbourTable } from "./neighbours";
import { SedDrawing } from "./sed";
import { why } from "./why";

/** What the infrared slope of a young star means. */
const STAGES: Record<string, string> = {
  I: "in an envelope",
  flat: "between envelope and disc",
  II: "with a disc",
  III: "with little or no disc",
};

export class SourcePanel {
  readonly element: HTMLElement;
  readonly #verdict = h("div", { class: "verdict", role: "status" });
  readonly #content = h("div", { class: "content" });
  readonly #sed: SedDrawing;
  #row: number | null = null;
  #without = new Set<string>();
  #asked: AbortController | null = null;
  #opener: HTMLElement | SVGElement | null = null;

  constructor(readonly explorer: Explorer) {
    const title = newId("source");
    this.#sed = new SedDrawing(explorer);
    const close = h(
      "button",
      { type: "button", "aria-label": "Close the source", onclick: () => explorer.show(null) },
      "×",
    );
    this.element = h(
      "aside",
      { class: "source", "aria-labelledby": title, hidden: true, tabindex: -1 },
      h("header", {}, h("h2", { id: title, class: "unseen" }, "Source"), this.#verdict, close),
      this.#content,
    );
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && explorer.show(null));
    explorer.on("source", (row) => this.#show(row));
  }

  #show(row: number | null): void {
    const wasOpen = this.#row !== null;
    this.#row = row;
    this.#without = new Set();
    this.#asked?.abort();
    this.element.hidden = row === null;
    if (row === null) {
      if (wasOpen && this.#opener?.isConnected) this.#opener.focus();
      return;
    }
    if (!wasOpen) this.#opener = document.activeElement as HTMLElement | SVGElement | null;
    fill(this.#verdict, "Loading …");
    fill(this.#content);
    void this.#load(true);
  }

  async #load(isNew: boolean): Promise<void> {
    const asked = new AbortController();
    this.#asked?.abort();
    this.#asked = asked;
    const row = this.#row!;
    const source = await this.explorer.ask((session) =>
      session.source(row, [...this.#without], asked.signal).catch((error: unknown) => {
        if (isAbort(error)) return null;
        throw error;
      }),
    );
    if (asked !== this.#asked || asked.signal.aborted) return;
    if (!source) {
      fill(this.#verdict, "This source cannot be shown.");
      return;
    }
    // The band that was switched keeps the keyboard's focus.
    const focused = (document.activeElement as HTMLElement | null)?.dataset.band;
    this.#fill(source);
    if (isNew) this.element.focus({ preventScroll: true });
    if (focused) this.#content.querySelector<HTMLElement>(`[data-band="${CSS.escape(focused)}"]`)?.focus();
  }

  #fill(source: Source): void {
    const { about } = this.explorer;
    this.#sed.show(source);
    this.#judge(source);
    fill(
      this.#content,
      this.#name(source),
      this.#class(source),
      this.#sed.element,
      source.contributions && section("What each input adds to the probability", contributionBars(source, about)),
      section("Bands", bandTable(source, this.#without, (column, isOn) => this.#switch(column, isOn))),
      source.probabilities && section("Probabilities", probabilityBars(source, this.explorer)),
      source.neighbours && section("Nearest training sources", neighbourTable(source.neighbours)),
    );
  }

  #name({ identifiers, links, row }: Source): HTMLElement {
    const { source_id, ra, dec } = identifiers;
    const at = typeof ra === "number" && typeof dec === "number" ? `${ra.toFixed(5)}, ${signed(dec)}` : "";
    return h(
      "div",
      { class: "identity" },
      h("strong", {}, source_id ? `Gaia DR3 ${source_id}` : `Row ${row}`),
      at && h("span", { title: "right ascension, declination (degrees)" }, ` ${at}`),
      h(
        "nav",
        { "aria-label": "This position elsewhere" },
        ...links.filter(isWeb).map(({ name, url }) => h(
          "a",
          { href: url, target: "_blank", rel: "noopener noreferrer" },
          name,
        )),
      ),
    );
  }

  /** The class, which stays in sight while bands are switched off below. */
  #judge(source: Source): void {
    const { size } = this.#without;
    const name = source.class ? [legendMark(this.explorer.lookOf(source.class)), source.class] : ["No class"];
    fill(
      this.#verdict,
      h("strong", {}, ...name),
      source.probability !== null && h("span", { class: "p" }, `probability ${probability(source.probability)}`),
      size > 0 && h("span", { class: "note" }, `without ${size} of the bands`),
    );
  }

  #class(source: Source): HTMLElement {
    const told = h("div", { class: "reasons" });
    if (!source.class) {
      fill(told, h("p", {}, "Too few bands for the model to answer."));
      return told;
    }
    const look = this.explorer.lookOf(source.class);
    const facts: [string, string][] = [];
    if (source.path?.length) facts.push(["path", source.path.join(" › ")]);
    if (source.set95?.length) facts.push(["set at 95 %", source.set95.join(", ")]);
    if (source.stage || typeof source.alpha === "number") {
      const alpha = typeof source.alpha === "number" ? `α = ${short(source.alpha, 2)}` : "";
      const stage = source.stage && `stage ${source.stage}`;
      const means = source.path?.includes("young") ? STAGES[source.stage ?? ""] : undefined;
      facts.push(["infrared slope", [alpha, stage, means].filter(Boolean).join(", ")]);
    }
    if (source.model) facts.push(["model", source.model]);
    fill(
      told,
      look.means && h("p", { class: "means" }, look.means),
      h("p", { class: "why" }, why(source, this.explorer.about)),
      h("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    );
    return told;
  }

  #switch(column: string, isOn: boolean): void {
    if (isOn) this.#without.delete(column);
    else this.#without.add(column);
    void this.#load(false);
  }
}

function section(title: string, ...content: (Node | null)[]): HTMLElement {
  return h("section", {}, h("h3", {}, title), ...content);
}

function signed(dec: number): string {
  return `${dec < 0 ? "−" : "+"}${Math.abs(dec).toFixed(5)}`;
}

/** A link of a script's own kind is none. */
function isWeb({ url }: { url: string }): boolean {
  return /^https?:\/\//.test(url);
}
