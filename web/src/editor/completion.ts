// What can be written at a place: tables behind FROM, columns of the query's tables, functions, words.
import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { About, Column, Table } from "../api/types";
import { count } from "../numbers";
import { tablesOf } from "./tables_of";

export function completing(about: About): (context: CompletionContext) => CompletionResult | null {
  const tables = about.tables.map(ofTable);
  const functions = about.functions.map(ofFunction);
  const words = about.keywords.map((word): Completion => ({ label: word.toUpperCase(), type: "keyword", boost: -2 }));

  return (context) => {
    const written = context.matchBefore(/[\w".]*/);
    if (!written || (written.from === written.to && !context.explicit)) return null;
    const before = context.state.sliceDoc(0, written.from);
    if (isInText(before)) return null;
    const named = tablesOf(context.state.doc.toString(), about);
    const dot = written.text.lastIndexOf(".");
    if (dot >= 0) {
      const owner = written.text.slice(0, dot).toLowerCase();
      const table = named.get(owner);
      const options = table ? table.columns.map(ofColumn) : inSchema(owner, about.tables);
      return { from: written.from + dot + 1, options, validFor: /^\w*$/ };
    }
    if (/\b(?:FROM|JOIN)\s+$/i.test(before)) return { from: written.from, options: tables, validFor: /^[\w.]*$/ };
    const columns = new Map<string, Completion>();
    for (const table of named.values()) {
      for (const column of table.columns) if (!columns.has(column.name)) columns.set(column.name, ofColumn(column));
    }
    const aliases = [...named].map(([label, table]): Completion => ({ label, type: "namespace", detail: table.name }));
    const options = [...columns.values(), ...aliases, ...functions, ...words, ...tables];
    return { from: written.from, options, validFor: /^\w*$/ };
  };
}

function ofTable(table: Table): Completion {
  const rows = typeof table.rows === "number" ? `${count(table.rows)} rows` : "";
  return { label: table.name, type: "class", detail: rows, ...info(table.description) };
}

function ofColumn(column: Column): Completion {
  return { label: column.name, type: "property", boost: 2, detail: column.unit ?? "", ...info(column.description) };
}

function ofFunction(one: About["functions"][number]): Completion {
  const told = [one.forms.join("\n"), one.description].filter(Boolean).join("\n");
  return { label: one.name, type: "function", apply: `${one.name}(`, ...info(told) };
}

/** The tables of a schema, without its name, which is written already. */
function inSchema(schema: string, tables: Table[]): Completion[] {
  const start = `${schema}.`;
  return tables
    .filter((table) => table.name.toLowerCase().startsWith(start))
    .map((table) => ({ ...ofTable(table), label: table.name.slice(start.length) }));
}

function info(text: string | null | undefined): Pick<Completion, "info"> {
  return text ? { info: text } : {};
}

/** Whether a place is within quotes or behind a comment's sign. */
function isInText(before: string): boolean {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  return (before.split("'").length - 1) % 2 === 1 || line.replace(/'[^']*'/g, "").includes("--");
}
