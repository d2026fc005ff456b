// The editor of the query, in a shadow tree of its own: there CodeMirror's styles need no exception of the page's policy.
import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching } from "@codemirror/language";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
import type { About, Place } from "../api/types";
import { h } from "../dom";
import { completing } from "./completion";
import { faults, position, setFault } from "./fault";
import { adql } from "./language";

export interface Listener {
  changed(query: string): void;
  run(): void;
}

export class Editor {
  readonly element = h("div", { class: "editor" });
  readonly #view: EditorView;

  constructor(about: About, listener: Listener) {
    const root = this.element.attachShadow({ mode: "open" });
    const runs = { key: "Mod-Enter", run: (view: EditorView) => (closeCompletion(view), listener.run(), true) };
    const state = EditorState.create({
      extensions: [
        Prec.highest(keymap.of([runs])),
        lineNumbers(),
        history(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ override: [completing(about)], icons: false }),
        // Tab is left to the browser, so that the keyboard finds its way out.
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
        adql(about),
        faults,
        REPLACES,
        placeholder("SELECT … FROM …"),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "Query in ADQL; Control and Enter run it" }),
        EditorView.updateListener.of((update) => update.docChanged && listener.changed(this.query)),
        LOOK,
      ],
    });
    this.#view = new EditorView({ state, root, parent: root });
  }

  get query(): string {
    return this.#view.state.doc.toString();
  }

  set query(text: string) {
    if (text !== this.query) {
      this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
    }
  }

  /** Underline an error's place, or none. */
  fault(place: Place | null): void {
    this.#view.dispatch({ effects: setFault.of(place) });
  }

  /** Put the cursor at a place, or where it was. */
  focus(place?: Place): void {
    this.#view.focus();
    if (place) {
      const anchor = position(this.#view.state.doc, place);
      this.#view.dispatch({ selection: { anchor }, scrollIntoView: true });
    }
  }
}

/** Text that is typed over other text: Chrome would keep the looks of that by an inline style, which our policy refuses. */
const REPLACES = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { data, inputType, isComposing } = event as InputEvent;
    if (inputType !== "insertText" || !data || isComposing || view.state.selection.main.empty) return false;
    view.dispatch(view.state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    event.preventDefault();
    return true;
  },
});

const LOOK = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", color: "var(--text)", backgroundColor: "var(--field)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--text)", padding: "6px 0" },
  ".cm-gutters": { backgroundColor: "var(--field)", color: "var(--quiet)", border: "none" },
  ".cm-placeholder": { color: "var(--quiet)" },
  ".fault": { textDecoration: "underline wavy var(--bad) 1.5px", textUnderlineOffset: "3px", backgroundColor: "var(--bad-back)" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--text)", border: "1px solid var(--line)", borderRadius: "6px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "16em" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail": { color: "var(--on-accent)" },
  ".cm-completionDetail": { color: "var(--quiet)", fontStyle: "normal" },
  ".cm-completionInfo": { maxWidth: "320px", padding: "6px 8px", whiteSpace: "pre-line", fontSize: "12px" },
  ".cm-matchingBracket": { backgroundColor: "var(--match) !important", outline: "none" },
});
