// The mark of a class beside its name.
import type { ClassLook } from "../api/types";
import { svg } from "../dom";
import { lightened } from "../theme";
import { markPath } from "./marks";

export function legendMark(look: ClassLook): SVGSVGElement {
  const path = svg("path", { d: markPath(look.marker, 7, 7, 6) });
  path.style.setProperty("--light", look.colour);
  path.style.setProperty("--dark", lightened(look.colour));
  return svg("svg", { class: "mark", viewBox: "0 0 14 14", width: 14, height: 14, "aria-hidden": "true" }, path);
}
