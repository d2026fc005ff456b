// How the page asks: one function, by HTTP on a page of its own, over Jupyter's channel in a notebook.
import type { Place } from "./types";

export type Method = "GET" | "POST" | "DELETE";

/** What comes back: JSON, a body of numbers, a file, or JSON line by line while the server works. */
export interface Kinds {
  json: unknown;
  buffer: ArrayBuffer;
  file: Blob;
  lines: undefined;
}

export interface Options {
  onLine?: (line: Record<string, unknown>) => void;
  signal?: AbortSignal;
  /** Send it though the tab is being closed. */
  keepalive?: boolean;
}

/** Ask below explore/; raises `Refused` with the server's sentence, `Lost` without an answer. */
export type Transport = <As extends keyof Kinds>(
  method: Method,
  path: string,
  body: unknown,
  as: As,
  options?: Options,
) => Promise<Kinds[As]>;

/** The server refused, in a sentence for people. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly place?: Place,
    readonly cancelled = false,
  ) {
    super(message);
  }

  /** The session is not there, or not any more. */
  get gone(): boolean {
    return this.status === 404 || this.status === 410;
  }
}

/** The server does not answer. */
export class Lost extends Error {}

export interface ErrorObject {
  message: string;
  line?: number | null;
  column?: number | null;
  length?: number | null;
  cancelled?: boolean;
}

export function refused(error: ErrorObject, status = 400): Refused {
  const { line, column, length } = error;
  const place = line && column ? { line, column, length: length || 1 } : undefined;
  return new Refused(error.message, status, place, error.cancelled ?? false);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
