// ADQL's colours: words of the language, functions and tables of this mirror.
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { tags } from "@lezer/highlight";
import type { Extension } from "@codemirror/state";
import type { About } from "../api/types";

interface State {
  inComment: boolean;
}

export function adql(about: About): Extension {
  const words = new Set(about.keywords.map((word) => word.toUpperCase()));
  const functions = new Set(about.functions.map((one) => one.name.toUpperCase()));
  const tables = new Set(about.tables.flatMap(({ name }) => name.toLowerCase().split(".")));
  const language = StreamLanguage.define<State>({
    name: "adql",
    tokenTable: { called: tags.function(tags.variableName) },
    startState: () => ({ inComment: false }),
    languageData: { commentTokens: { line: "--" }, closeBrackets: { brackets: ["(", "'", '"'] } },
    token(stream, state) {
      if (state.inComment || stream.match("/*")) {
        state.inComment = !stream.skipTo("*/");
        if (state.inComment) stream.skipToEnd();
        else stream.match("*/");
        return "comment";
      }
      if (stream.eatSpace()) return null;
      if (stream.match("--")) {
        stream.skipToEnd();
        return "comment";
      }
      if (stream.match(/^'(?:[^']|'')*'?/)) return "string";
      if (stream.match(/^"(?:[^"]|"")*"?/)) return "variableName";
      if (stream.match(/^(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/)) return "number";
      const word = stream.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
      if (!word) {
        stream.next();
        return "operator";
      }
      if (functions.has(word[0].toUpperCase()) && stream.match(/^\s*\(/, false)) return "called";
      if (words.has(word[0].toUpperCase())) return "keyword";
      return tables.has(word[0].toLowerCase()) ? "typeName" : "variableName";
    },
  });
  return [language, syntaxHighlighting(COLOURS)];
}

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--code-word)", fontWeight: "600" },
  { tag: tags.function(tags.variableName), color: "var(--code-function)" },
  { tag: tags.typeName, color: "var(--code-table)" },
  { tag: tags.string, color: "var(--code-text)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
]);
