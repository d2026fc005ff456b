// The training sources whose SEDs are most like that of a source.
import type { Value } from "../api/types";
import { h } from "../dom";
import { short } from "../numbers";

export function neighbourTable(neighbours: Record<string, Value>[]): HTMLElement {
  const columns = [...new Set(neighbours.flatMap((one) => Object.keys(one)))];
  const told = (value: Value | undefined) =>
    typeof value === "number" && !Number.isInteger(value) ? short(value, 3) : String(value ?? "–");
  const rows = neighbours.map((one) => h("tr", {}, ...columns.map((name) => h("td", {}, told(one[name])))));
  const titles = columns.map((name) => h("th", { scope: "col" }, name));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Nearest training sources" }, h("table", {}, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...rows)));
}
