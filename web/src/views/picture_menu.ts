// Take a view away as a picture, with the marks of the classes that it has.
import { h } from "../dom";
import { menu } from "../menu";
import type { Explorer } from "../state/explorer";
import { download } from "../take/download";
import { asPng, asSvg, type Drawn } from "./picture";

interface Drawing {
  readonly title: string;
  readonly explorer: Explorer;
  drawn(): Drawn;
}

export function pictureMenu(view: Drawing): HTMLElement {
  const made = menu("Save", `${view.title}: save the picture`, ({ close }) => {
    const one = (ending: string, write: typeof asPng | typeof asSvg) =>
      h("button", { type: "button", onclick: () => void save(ending, write).then(close) }, ending.toUpperCase());
    return [h("p", {}, "Save the picture as"), one("svg", asSvg), one("png", asPng)];
  });
  const save = async (ending: string, write: typeof asPng | typeof asSvg) => {
    const { selection, looks } = view.explorer;
    const classes = looks.filter((_, code) => selection?.counts[code]);
    const drawn = view.drawn();
    download(await write(drawn, classes.length > 1 ? classes : []), `${fileName(view.title)}.${ending}`);
  };
  return made.element;
}

function fileName(title: string): string {
  return title.toLowerCase().replace(/[^a-z]+/g, "-");
}
