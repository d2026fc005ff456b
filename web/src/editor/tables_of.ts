// The tables that a query names, by their aliases; it may not be finished, so this is no parser.
import type { About, Table } from "../api/types";

const NAMED = /\b(?:FROM|JOIN|,)\s+((?:[\w"]+\.)*[\w"]+)(?:\s+(?:AS\s+)?([A-Za-z_]\w*))?/gi;
const NO_ALIAS = new Set(
  ["WHERE", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "NATURAL", "CROSS", "ON", "USING", "GROUP", "ORDER", "HAVING"].concat(
    ["UNION", "EXCEPT", "INTERSECT", "OFFSET", "AS", "AND"],
  ),
);

/** The tables by the names that columns can be written with: aliases, or the tables' own. */
export function tablesOf(query: string, about: About): Map<string, Table> {
  const made = new Map<string, Table>();
  for (const [, written, alias] of query.matchAll(NAMED)) {
    const table = findTable(written!, about);
    if (!table) continue;
    const name = alias && !NO_ALIAS.has(alias.toUpperCase()) ? alias : table.name.split(".").at(-1)!;
    made.set(name.toLowerCase(), table);
  }
  return made;
}

/** A table by its name, with the schema or without. */
export function findTable(written: string, about: About): Table | undefined {
  const name = written.replaceAll('"', "").toLowerCase();
  return about.tables.find((table) => {
    const own = table.name.toLowerCase();
    return own === name || own.endsWith(`.${name}`);
  });
}
