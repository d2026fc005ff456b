// A session: a process of the server that holds the result of one query.
import { readPictures, readSelection, type Pictures, type Selection } from "./pictures";
import { Lost, refused, type ErrorObject, type Options, type Transport } from "./transport";
import type { Condition, Order, Result, Rows, Source, ViewName, Wanted } from "./types";

export interface Progress {
  progress: number | null;
  seconds: number;
}

export class Session {
  private constructor(
    private readonly transport: Transport,
    readonly id: string,
  ) {}

  static async begin(transport: Transport): Promise<Session> {
    const { id } = (await transport("POST", "sessions", {}, "json")) as { id: string };
    return new Session(transport, id);
  }

  /** End it when the tab is closed; a beacon could not send our header. */
  end(): void {
    void this.transport("DELETE", this.#path(), undefined, "json", { keepalive: true }).catch(() => {});
  }

  /** Run a query; the last line of the answer is the result, those before it say how far it is. */
  async query(text: string, told: (progress: Progress) => void, signal: AbortSignal): Promise<Result> {
    let result: Result | null = null;
    let error: ErrorObject | null = null;
    const onLine = (line: Record<string, unknown>) => {
      if ("result" in line) result = line.result as Result;
      else if ("error" in line) error = line.error as ErrorObject;
      else told(line as unknown as Progress);
    };
    await this.transport("POST", this.#path("query"), { query: text }, "lines", { onLine, signal });
    if (error) throw refused(error);
    if (!result) throw new Lost("The server ended before the query did.");
    return result;
  }

  async axes(views: Partial<Record<ViewName, Wanted>>, points: boolean): Promise<Pictures> {
    const path = this.#path(points ? "axes" : "axes?points=0");
    return readPictures(await this.transport("POST", path, { views }, "buffer"));
  }

  async select(filter: Condition[], rows: number): Promise<Selection> {
    return readSelection(await this.transport("POST", this.#path("select"), { filter }, "buffer"), rows);
  }

  rows(filter: Condition[], order: Order[], offset: number, count: number): Promise<Rows> {
    return this.#json("rows", { filter, order, offset, count });
  }

  async pick(view: ViewName, at: number[], within: number[], filter: Condition[]): Promise<number | null> {
    const found = await this.#json<{ row: number | null }>("pick", { view, at, within, filter });
    return found.row;
  }

  source(row: number, without: string[], signal: AbortSignal): Promise<Source> {
    return this.#json("source", { row, without }, { signal });
  }

  export(filter: Condition[], format: string): Promise<Blob> {
    return this.transport("POST", this.#path("export"), { filter, format }, "file");
  }

  where(filter: Condition[]): Promise<{ adql: string; notebook: string; note: string | null }> {
    return this.#json("where", { filter });
  }

  sendBySamp(filter: Condition[]): Promise<{ sent_to: string[]; table: string }> {
    return this.#json("samp/send", { filter });
  }

  #json<T>(path: string, body: unknown, options: Options = {}): Promise<T> {
    return this.transport("POST", this.#path(path), body, "json", options) as Promise<T>;
  }

  #path(path = ""): string {
    return `sessions/${encodeURIComponent(this.id)}${path && "/"}${path}`;
  }
}
