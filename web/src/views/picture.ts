// A drawing as a file: SVG, whose axes and names stay lines and letters, or PNG.
import { colour } from "../theme";
import type { Box } from "./frame";
import { FONT, isBelow, toCanvas, toSvg, type Role, type Shape } from "./shapes";
import { svg } from "../dom";
import type { ClassLook } from "../api/types";
import { classColour } from "../theme";
import { markPath } from "./marks";

export interface Drawn {
  title: string;
  width: number;
  height: number;
  box: Box;
  shapes: Shape[];
  /** The data, which is an image in SVG too. */
  image: HTMLCanvasElement | null;
}

const LINE_PX = 18;
const ENLARGED = 2;

const VARIABLES: Partial<Record<Role, string>> = { grid: "--grid", axis: "--quiet", tick: "--quiet", zero: "--quiet" };

export function roleColour(role: Role): string {
  return colour(VARIABLES[role] ?? "--text");
}

export function asSvg(drawn: Drawn, classes: ClassLook[]): Blob {
  const { width, title, box, image } = drawn;
  const height = drawn.height + legendHeight(classes, width);
  const shapes = [...drawn.shapes, ...legend(classes, width, drawn.height)];
  // In a document that is not shown, which loads no images: the page's policy would refuse them.
  const apart = document.implementation.createDocument(null, null);
  const picture = apart.adoptNode(svg("svg", { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` }));
  picture.append(svg("title", {}, title), svg("rect", { width, height, fill: colour("--card") }));
  const [lines, rest] = parted(shapes);
  picture.append(...toSvg(lines, roleColour));
  if (image) {
    const data = apart.adoptNode(svg("image", { x: box.left, y: box.top, width: box.width, height: box.height }));
    data.setAttribute("preserveAspectRatio", "none");
    data.setAttribute("href", image.toDataURL());
    picture.append(data);
  }
  picture.append(...toSvg(rest, roleColour));
  return new Blob([new XMLSerializer().serializeToString(picture)], { type: "image/svg+xml" });
}

export async function asPng(drawn: Drawn, classes: ClassLook[]): Promise<Blob> {
  const { width, box, image } = drawn;
  const height = drawn.height + legendHeight(classes, width);
  const canvas = new OffscreenCanvas(Math.round(width * ENLARGED), Math.round(height * ENLARGED));
  const context = canvas.getContext("2d") as unknown as CanvasRenderingContext2D;
  context.scale(ENLARGED, ENLARGED);
  context.fillStyle = colour("--card");
  context.fillRect(0, 0, width, height);
  context.font = FONT;
  const [lines, rest] = parted([...drawn.shapes, ...legend(classes, width, drawn.height)]);
  toCanvas(context, lines, roleColour);
  if (image) context.drawImage(image, box.left, box.top, box.width, box.height);
  toCanvas(context, rest, roleColour);
  return canvas.convertToBlob({ type: "image/png" });
}

function parted(shapes: Shape[]): [Shape[], Shape[]] {
  return [shapes.filter(isBelow), shapes.filter((shape) => !isBelow(shape))];
}

const ENTRY_PX = 118;

function legendHeight(classes: ClassLook[], width: number): number {
  return classes.length ? LINE_PX * Math.ceil(classes.length / perLine(width)) + 8 : 0;
}

function perLine(width: number): number {
  return Math.max(1, Math.floor((width - 20) / ENTRY_PX));
}

function legend(classes: ClassLook[], width: number, top: number): Shape[] {
  return classes.flatMap((one, k): Shape[] => {
    const x = 20 + ENTRY_PX * (k % perLine(width));
    const y = top + 10 + LINE_PX * Math.floor(k / perLine(width));
    const d = markPath(one.marker, x, y - 4, 5);
    return [
      { kind: "path", role: "point", d, filled: true, colour: classColour(one) },
      { kind: "text", role: "label", x: x + 10, y, text: one.name },
    ];
  });
}
