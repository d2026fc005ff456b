// Lines, texts and outlines of a drawing, as SVG on the page and in files, and on a canvas for PNG.
import { svg } from "../dom";

/** What a shape is for says how it looks: a class of the style sheet, and a colour of it in files. */
export type Role = "grid" | "axis" | "label" | "tick" | "curve" | "band" | "point" | "limit" | "unused" | "zero" | "ring" | "ring-back";

interface Look {
  role: Role;
  colour?: string;
}

export type Shape = Look &
  (
    | { kind: "path"; d: string; filled?: boolean; dashed?: boolean; width?: number; opacity?: number; title?: string }
    | { kind: "text"; x: number; y: number; text: string; anchor?: "start" | "middle" | "end"; turned?: boolean; bold?: boolean }
  );

export const FONT = "12px system-ui, sans-serif";

/** The grid lies below the data, all else above. */
export function isBelow(shape: Shape): boolean {
  return shape.role === "grid";
}

/** SVG elements; what they look like is written into them where no style sheet will be. */
export function toSvg(shapes: Shape[], colours: ((role: Role) => string) | null = null): SVGElement[] {
  return shapes.map((shape) => (shape.kind === "text" ? text(shape, colours) : path(shape, colours)));
}

function path(shape: Shape & { kind: "path" }, colours: ((role: Role) => string) | null): SVGElement {
  const colour = shape.colour ?? colours?.(shape.role);
  const element = svg("path", {
    class: shape.role,
    d: shape.d,
    fill: shape.filled ? colour : "none",
    stroke: shape.filled && !shape.width ? null : colour,
    "stroke-width": shape.width ?? 1,
    "stroke-dasharray": shape.dashed && "5 4",
    opacity: shape.opacity,
  });
  if (shape.title) element.append(svg("title", {}, shape.title));
  return element;
}

function text(shape: Shape & { kind: "text" }, colours: ((role: Role) => string) | null): SVGElement {
  return svg(
    "text",
    {
      class: shape.role,
      x: shape.x,
      y: shape.y,
      "text-anchor": shape.anchor ?? "start",
      transform: shape.turned && `rotate(-90 ${shape.x} ${shape.y})`,
      "font-weight": shape.bold && "600",
      fill: shape.colour ?? colours?.(shape.role),
      ...(colours && { "font-family": "system-ui, sans-serif", "font-size": 12 }),
    },
    shape.text,
  );
}

export function toCanvas(context: CanvasRenderingContext2D, shapes: Shape[], colours: (role: Role) => string): void {
  for (const shape of shapes) {
    context.save();
    const colour = shape.colour ?? colours(shape.role);
    context.fillStyle = context.strokeStyle = colour;
    if (shape.kind === "text") {
      context.font = shape.bold ? `600 ${FONT}` : FONT;
      context.textAlign = shape.anchor === "middle" ? "center" : (shape.anchor ?? "start");
      context.translate(shape.x, shape.y);
      if (shape.turned) context.rotate(-Math.PI / 2);
      context.fillText(shape.text, 0, 0);
    } else {
      const outline = new Path2D(shape.d);
      context.globalAlpha = shape.opacity ?? 1;
      context.lineWidth = shape.width ?? 1;
      context.setLineDash(shape.dashed ? [5, 4] : []);
      if (shape.filled) context.fill(outline);
      if (!shape.filled || shape.width) context.stroke(outline);
    }
    context.restore();
  }
}
