// Choose what a view draws along its sides: a column, a colour, an absolute magnitude; logarithmic, reversed.
import type { About, Axis, Result, ViewName } from "../api/types";
import { h } from "../dom";
import { menu } from "../menu";
import type { Explorer } from "../state/explorer";
import { axisKey, axisName } from "../state/names";
import { isPlane, TITLES, usual, type Axes, type Shown } from "../state/views";

export function axesMenu(view: ViewName, explorer: Explorer): HTMLElement {
  const made = menu("Axes", `${TITLES[view]}: axes`, () => {
    const { result } = explorer;
    if (!result) return [h("p", {}, "Run a query first.")];
    const groups = choices(result, explorer.about);
    if (!groups.some((group) => group.axes.length)) return [h("p", {}, "The result has no columns of numbers.")];
    const axes = explorer.views[view];
    const first = groups.find((group) => group.axes.length)!.axes[0]!;
    const x = axes?.x ?? first;
    const y = axes?.y ?? first;
    const change = (side: "x" | "y", shown: Shown) => {
      const { x: newX, y: newY }: Axes = { x, y, ...explorer.views[view], [side]: shown };
      void explorer.setAxes(view, isPlane(view) ? { x: newX, y: newY! } : { x: newX });
    };
    const one = (side: "x" | "y", shown: Shown) =>
      fields(side, shown, groups, explorer.about, (made) => change(side, made));
    return isPlane(view) ? [one("x", x), one("y", y)] : [one("x", x)];
  });
  return made.element;
}

interface Group {
  name: string;
  axes: Axis[];
}

/** All that can be drawn of a result. */
function choices(result: Result, about: About): Group[] {
  const numbers = result.columns.filter((column) => column.kind === "number").map((column) => column.name);
  const names = new Set(numbers);
  const bands = (about.photometry ?? []).map((band) => band.column).filter((column) => names.has(column));
  const colours = bands.flatMap((blue, k) => bands.slice(k + 1).map((red): Axis => ({ minus: inOrder(blue, red) })));
  return [
    { name: "Columns", axes: numbers.map((column): Axis => ({ column })) },
    { name: "Colours", axes: colours },
    { name: "Absolute magnitudes", axes: names.has("parallax") ? bands.map((band): Axis => ({ absolute: band })) : [] },
  ];
}

/** The bluer band first: the ten stand in the order of wavelength but for G, which lies behind BP. */
function inOrder(one: string, other: string): [string, string] {
  return one === "phot_g_mean_mag" && other === "phot_bp_mean_mag" ? [other, one] : [one, other];
}

function fields(
  side: "x" | "y",
  shown: Shown,
  groups: Group[],
  about: About,
  change: (shown: Shown) => void,
): HTMLElement {
  const known = new Map(groups.flatMap((group) => group.axes.map((axis) => [axisKey(axis), axis])));
  const label = side === "x" ? "Horizontal" : "Vertical";
  const select = h("select", { "aria-label": `${label} axis` });
  for (const { name, axes } of groups) {
    if (!axes.length) continue;
    const options = axes.map((axis) => h("option", { value: axisKey(axis) }, optionName(axis, about)));
    select.append(h("optgroup", { label: name }, ...options));
  }
  select.value = axisKey(shown);
  const log = h("input", { type: "checkbox", checked: shown.log });
  const reversed = h("input", { type: "checkbox", checked: shown.reversed });
  const tell = () => {
    const axis = known.get(select.value) ?? shown;
    change({ ...plain(axis), ...(log.checked && { log: true }), ...(reversed.checked && { reversed: true }) });
  };
  select.addEventListener("change", () => {
    log.checked = false;
    reversed.checked = usual(known.get(select.value)!, side, about).reversed ?? false;
    tell();
  });
  for (const box of [log, reversed]) box.addEventListener("change", tell);
  return h(
    "fieldset",
    { class: "axis" },
    h("legend", {}, label),
    select,
    h("label", {}, log, " logarithmic"),
    h("label", {}, reversed, " reversed"),
  );
}

/** An axis without the ways to draw it. */
function plain({ log: _, reversed: __, ...axis }: Shown): Axis {
  return axis;
}

function optionName(axis: Axis, about: About): string {
  const name = axisName(axis, about);
  return "column" in axis && name !== axis.column ? `${name} (${axis.column})` : name;
}

