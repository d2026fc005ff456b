// The form for those who write no ADQL: it writes the query and runs it.
import type { ErrorObject } from "../api/transport";
import type { Region } from "../api/types";
import { h, newId } from "../dom";
import type { Explorer } from "../state/explorer";
import { legendMark } from "../views/legend_mark";
import { writeQuery } from "./write_query";

const RADIUS_DEG = 0.5;

export function queryForm(explorer: Explorer, run: (query: string) => void): HTMLElement {
  const { about } = explorer;
  const names = newId("regions");
  const region = h(
    "input",
    {
      type: "text",
      list: names,
      placeholder: "Orion Nebula, or 83.82 -5.39",
      autocomplete: "off",
      spellcheck: "false",
    },
  );
  const radius = number("any", "0", "180", String(RADIUS_DEG));
  const [brightest, faintest] = [number("any"), number("any")];
  const [least, most] = [number("any"), number("any")];
  const boxes = about.classes
    .filter((one) => (one.path ?? "").split("/").at(-1) === one.name || !one.path)
    .map((look) => ({ look, box: h("input", { type: "checkbox" }) }));
  const summary = h("summary", {}, "Classes: all");
  for (const { box } of boxes) {
    box.addEventListener("change", () => {
      summary.textContent = `Classes: ${chosen().join(", ") || "all"}`;
    });
  }
  const fault = h("p", { class: "fault-line", role: "alert" });
  const known = (about.regions ?? []).flatMap((one) => [one.name, ...(one.others ?? [])]);

  const chosen = () => boxes.filter(({ box }) => box.checked).map(({ look }) => look.name);

  const submit = async () => {
    fault.textContent = "";
    const found = await resolve(region.value.trim());
    if (found === undefined) return;
    const value = (field: HTMLInputElement) => (field.value === "" ? null : field.valueAsNumber);
    const classes = chosen();
    run(
      writeQuery({
        region: found && { ...found, radius: value(radius) ?? RADIUS_DEG },
        magnitude: [value(brightest), value(faintest)],
        parallax: [value(least), value(most)],
        classes: classes.length === boxes.length ? [] : classes,
      }),
    );
  };

  /** The place of a name or a position; null for the whole sky, undefined if there is no such place. */
  const resolve = async (text: string): Promise<Region | null | undefined> => {
    if (!text) return null;
    try {
      const found = (await explorer.transport("POST", "region", { text }, "json")) as Region | { error: ErrorObject };
      if (!("error" in found)) return found;
      fault.textContent = found.error.message;
    } catch (error) {
      fault.textContent = error instanceof Error ? error.message : "";
    }
    region.focus();
    return undefined;
  };

  // A region's own radius goes with its name, until one writes another.
  let isOwnRadius = false;
  radius.addEventListener("input", () => (isOwnRadius = radius.value !== ""));
  region.addEventListener("change", () => {
    const name = region.value.trim().toLowerCase();
    const one = about.regions?.find(
      (some) => [some.name, ...(some.others ?? [])].some((other) => other?.toLowerCase() === name),
    );
    if (one?.radius && !isOwnRadius) radius.value = String(one.radius);
  });

  return h(
    "form",
    { class: "form", onsubmit: (event: SubmitEvent) => (event.preventDefault(), void submit()) },
    h(
      "div",
      { class: "region" },
      field("Region: a name or a position", region),
      h("datalist", { id: names }, ...known.map((name) => h("option", { value: name ?? "" }))),
      field("Radius (degrees)", radius),
    ),
    pair("G magnitude", brightest, faintest, "brightest", "faintest"),
    pair("Parallax (mas)", least, most, "least", "largest"),
    h(
      "details",
      {},
      summary,
      h(
        "div",
        { class: "boxes" },
        ...boxes.map(({ look, box }) => h("label", { title: look.means ?? "" }, box, legendMark(look), look.name)),
      ),
    ),
    h("div", { class: "row" }, h("button", { type: "submit", class: "primary" }, "Find sources")),
    fault,
  );
}

function number(step: string, min?: string, max?: string, value = ""): HTMLInputElement {
  return h("input", { type: "number", step, min, max, value });
}

function field(name: string, input: HTMLInputElement): HTMLElement {
  return h("label", { class: "field" }, h("span", {}, name), input);
}

function pair(
  name: string,
  low: HTMLInputElement,
  high: HTMLInputElement,
  lowName: string,
  highName: string,
): HTMLElement {
  low.placeholder = lowName;
  high.placeholder = highName;
  low.setAttribute("aria-label", `${name}, ${lowName}`);
  high.setAttribute("aria-label", `${name}, ${highName}`);
  return h("fieldset", { class: "pair" }, h("legend", {}, name), low, h("span", {}, "to"), high);
}
