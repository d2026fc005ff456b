// The ten bands of a source; each can be switched off, and the class follows.
import type { Source } from "../api/types";
import { h } from "../dom";

export function bandTable(source: Source, without: Set<string>, change: (column: string, isOn: boolean) => void): HTMLElement {
  const rows = [...source.bands]
    .sort((a, b) => a.wavelength_um - b.wavelength_um)
    .map((band) => {
      const has = band.magnitude !== null;
      const box: HTMLInputElement = h("input", {
        type: "checkbox",
        "data-band": band.column,
        "aria-label": `Use ${band.name}`,
        disabled: !has,
        checked: has && !without.has(band.column),
        onchange: () => change(band.column, box.checked),
      });
      const error = band.limit ? "upper limit" : band.error === null ? "" : `± ${band.error.toFixed(3)}`;
      return h(
        "tr",
        { class: has && without.has(band.column) ? "off" : null },
        h("td", {}, box),
        h("th", { scope: "row", title: band.column }, band.name),
        h("td", { class: "number" }, `${band.wavelength_um.toPrecision(3)}`),
        h("td", { class: "number" }, has ? band.magnitude!.toFixed(3) : "–"),
        h("td", {}, has ? error : ""),
      );
    });
  const titles = ["use", "band", "µm", "mag", "error"].map((title) => h("th", { scope: "col" }, title));
  return h("table", { class: "bands" }, h("thead", {}, h("tr", {}, ...titles)), h("tbody", {}, ...rows));
}
