// Draw each source as a point by WebGL: all in grey, those that are selected in the colour and with the mark of their
// class.
import type { Rgb } from "../theme";
import { markPath } from "./marks";
import type { Scale } from "./scale";
import { FRAGMENT, VERTEX } from "./shaders";

const PLAIN_PX = 3.5;
const MARK_PX = 64;
/** A drawing that takes longer holds up a brush; the first one of some rows copies them too. */
const SLOW_MS = 100;
const FIRST_SLOW_MS = 1000;
/** So many are drawn even where that is slow. */
const ALWAYS = 50_000;

interface Group {
  code: number;
  start: number;
  count: number;
}

export interface PointLook {
  colourOf: (code: number) => Rgb;
  markerOf: (code: number) => string;
  grey: Rgb;
}

const CODES = 256;

/** Whether this browser draws by WebGL. */
export function canDrawPoints(): boolean {
  return document.createElement("canvas").getContext("webgl2") !== null;
}

export class Points {
  readonly #gl: WebGL2RenderingContext;
  readonly #program: WebGLProgram;
  readonly #buffers = new Map<string, WebGLBuffer>();
  readonly #marks = new Map<string, WebGLTexture>();
  #groups: Group[] = [];
  #rows = 0;
  #drawings = 0;

  constructor(readonly canvas: HTMLCanvasElement) {
    const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
    if (!gl) throw new Error("This browser has no WebGL.");
    this.#gl = gl;
    this.#program = linked(gl);
  }

  /** Take the places and class codes of all rows; those that have none along a side are left out. */
  setRows(x: Float32Array, y: Float32Array, classes: Uint8Array, noClass: number, logs: [boolean, boolean]): void {
    const gl = this.#gl;
    const { order, groups } = byClass(x, y, classes, noClass, logs);
    this.#rows = x.length;
    this.#drawings = 0;
    this.#groups = groups;
    this.#attribute("x", x, gl.FLOAT);
    this.#attribute("y", y, gl.FLOAT);
    this.choose(null);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.#buffer("order"));
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.STATIC_DRAW);
  }

  /** Take the rows that are selected, a byte each; null for all. */
  choose(rows: Uint8Array | null): void {
    this.#attribute("chosen", rows ?? new Uint8Array(this.#rows).fill(1), this.#gl.UNSIGNED_BYTE);
  }

  /** Draw; gives how many points could be drawn in time, where these are fewer than there are. */
  draw([x, y]: [Scale, Scale], look: PointLook, chosen: number, isAll: boolean): number | null {
    const gl = this.#gl;
    const began = performance.now();
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(this.#program);
    const [x0, x1] = x.window;
    const [y0, y1] = y.window;
    // The y of WebGL grows upwards, that of pixels downwards.
    gl.uniform4f(
      this.#uniform("span"),
      ...(x.flipped ? ([x1, x0] as const) : ([x0, x1] as const)),
      ...(y.flipped ? ([y0, y1] as const) : ([y1, y0] as const)),
    );
    gl.uniform2f(this.#uniform("logs"), x.log ? 1 : 0, y.log ? 1 : 0);
    const total = this.#groups.reduce((sum, group) => sum + group.count, 0);
    if (!isAll) {
      this.#begin(sizeOf(total), look.grey, 0.6 * opacityOf(total), "o");
      gl.uniform1i(this.#uniform("all"), 1);
      gl.drawElements(gl.POINTS, total, gl.UNSIGNED_INT, 0);
    }
    gl.uniform1i(this.#uniform("all"), 0);
    const n = isAll ? total : Math.max(1, chosen);
    for (const { code, start, count } of this.#groups) {
      this.#begin(sizeOf(n), look.colourOf(code), opacityOf(n), look.markerOf(code));
      gl.drawElements(gl.POINTS, count, gl.UNSIGNED_INT, 4 * start);
    }
    this.#drawings += 1;
    if (this.#drawings > 2) return null;
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // waits until all is drawn
    const took = performance.now() - began;
    const isSlow = took > (this.#drawings === 1 ? FIRST_SLOW_MS : SLOW_MS) && this.#rows > ALWAYS;
    return isSlow ? Math.max(ALWAYS, Math.floor((this.#rows * SLOW_MS) / took)) : null;
  }

  #begin(size: number, [r, g, b]: Rgb, opacity: number, marker: string): void {
    const gl = this.#gl;
    const pixels = size * devicePixelRatio;
    gl.uniform1f(this.#uniform("size"), pixels);
    gl.uniform1i(this.#uniform("plain"), pixels < PLAIN_PX ? 1 : 0);
    gl.uniform4f(this.#uniform("colour"), r / 255, g / 255, b / 255, opacity);
    gl.bindTexture(gl.TEXTURE_2D, this.#mark(marker));
  }

  #attribute(name: string, values: Float32Array | Uint8Array, type: number): void {
    const gl = this.#gl;
    const place = gl.getAttribLocation(this.#program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.#buffer(name));
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, 1, type, false, 0, 0);
  }

  #buffer(name: string): WebGLBuffer {
    const buffer = this.#buffers.get(name) ?? this.#gl.createBuffer();
    this.#buffers.set(name, buffer);
    return buffer;
  }

  #uniform(name: string): WebGLUniformLocation | null {
    return this.#gl.getUniformLocation(this.#program, name);
  }

  #mark(marker: string): WebGLTexture {
    const gl = this.#gl;
    const known = this.#marks.get(marker);
    if (known) return known;
    const drawn = new OffscreenCanvas(MARK_PX, MARK_PX);
    drawn.getContext("2d")!.fill(new Path2D(markPath(marker, MARK_PX / 2, MARK_PX / 2, MARK_PX / 2 - 2)));
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, drawn);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    this.#marks.set(marker, texture);
    return texture;
  }
}

/** Order rows by class, the most frequent first, so that rare ones are drawn above; no class is below all. */
function byClass(
  x: Float32Array,
  y: Float32Array,
  classes: Uint8Array,
  noClass: number,
  [xLog, yLog]: [boolean, boolean],
) {
  const drawn = (row: number) =>
    Number.isFinite(x[row]) && Number.isFinite(y[row]) && !(xLog && x[row]! <= 0) && !(yLog && y[row]! <= 0);
  const counts = new Uint32Array(CODES);
  for (let row = 0; row < x.length; row += 1) if (drawn(row)) counts[classes[row]!]! += 1;
  const codes = [...counts.keys()].filter((code) => counts[code]);
  codes.sort((a, b) => Number(b === noClass) - Number(a === noClass) || counts[b]! - counts[a]!);
  const groups: Group[] = [];
  const next = new Uint32Array(CODES);
  let start = 0;
  for (const code of codes) {
    next[code] = start;
    groups.push({ code, start, count: counts[code]! });
    start += counts[code]!;
  }
  const order = new Uint32Array(start);
  for (let row = 0; row < x.length; row += 1) if (drawn(row)) order[next[classes[row]!]!++] = row;
  return { order, groups };
}

/** Fewer points are larger, so that their marks are seen; many are small and let others shine through. */
function sizeOf(n: number): number {
  return Math.max(1.3, Math.min(9, 9 * (n / 300) ** -0.22));
}

function opacityOf(n: number): number {
  return Math.max(0.25, Math.min(0.92, (n / 2000) ** -0.17));
}

function linked(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(type)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program) ?? "WebGL cannot draw points.");
  }
  return program;
}
