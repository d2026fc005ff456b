// Underline the place of an error. (CodeMirror's own linter draws by images in the style, which our policy refuses.)
import { StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, EditorView, type DecorationSet } from "@codemirror/view";
import type { Place } from "../api/types";

export const setFault = StateEffect.define<Place | null>();

const mark = Decoration.mark({ class: "fault", attributes: { title: "The error is here" } });

export const faults = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let made = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setFault)) made = effect.value ? underlined(transaction.state.doc, effect.value) : Decoration.none;
    }
    return made;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function underlined(text: Text, place: Place): DecorationSet {
  const from = position(text, place);
  const to = Math.min(text.length, from + Math.max(1, place.length));
  // An error at the end of the query is shown at its last letter.
  return to > from ? Decoration.set(mark.range(from, to)) : Decoration.set(from > 0 ? mark.range(from - 1, from) : []);
}

/** Lines and columns count from 1, and columns count characters, of which some are two code units. */
export function position(text: Text, { line, column }: Place): number {
  const { from, text: content } = text.line(Math.max(1, Math.min(line, text.lines)));
  const before = Array.from(content).slice(0, column - 1).join("");
  return Math.min(text.length, from + before.length);
}
