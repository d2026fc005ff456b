// Take the selection away: as a file, as ADQL, as a cell of a notebook.
import { h, newId } from "../dom";
import { counted } from "../numbers";
import type { Explorer } from "../state/explorer";
import { copy, download } from "./download";
import { sampButton } from "./samp";

const FORMATS = [
  { name: "CSV", format: "csv", ending: "csv" },
  { name: "VOTable", format: "votable", ending: "vot" },
  { name: "FITS", format: "fits", ending: "fits" },
  { name: "Parquet", format: "parquet", ending: "parquet" },
];

export function takeAway(explorer: Explorer): HTMLElement {
  const title = newId("take");
  const told = h("p", { class: "note", role: "status" });
  const text = h("textarea", { readonly: true, rows: 6, hidden: true, "aria-label": "The text to copy" });

  const save = async (format: string, ending: string, button: HTMLButtonElement) => {
    button.disabled = true;
    told.textContent = "Writing the file …";
    const file = await explorer.ask((session) => session.export(explorer.conditions, format));
    button.disabled = false;
    told.textContent = file ? `${counted(explorer.selection?.count ?? 0, "source")} in sedsql-selection.${ending}` : "";
    if (file) download(file, `sedsql-selection.${ending}`);
  };

  const write = async (what: "adql" | "notebook", name: string) => {
    const found = await explorer.ask((session) => session.where(explorer.conditions));
    if (!found) return;
    text.value = found[what];
    text.hidden = false;
    const isCopied = await copy(found[what]);
    const where = isCopied ? `${name} is copied.` : `${name} is below, to copy.`;
    told.textContent = [where, found.note].filter(Boolean).join(" ");
    if (!isCopied) text.select();
  };

  const files = FORMATS.map(({ name, format, ending }) => {
    const button: HTMLButtonElement = h(
      "button",
      { type: "button", onclick: () => void save(format, ending, button) },
      name,
    );
    return button;
  });
  const element = h(
    "section",
    { class: "card take", "aria-labelledby": title, hidden: true },
    h("header", {}, h("h2", { id: title }, "Take the selection away")),
    h("div", { class: "row" }, ...files),
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", onclick: () => void write("adql", "The query") }, "Copy as ADQL"),
      h("button", { type: "button", onclick: () => void write("notebook", "The cell") }, "Copy as notebook cell"),
      sampButton(explorer, (text) => (told.textContent = text)),
    ),
    told,
    text,
  );
  explorer.on("result", () => {
    element.hidden = false;
    text.hidden = true;
    told.textContent = "";
  });
  return element;
}
