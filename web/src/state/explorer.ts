// What the page knows and does: one result, its axes, what is selected; views listen to it.
import { everything, type Pictures, type Selection } from "../api/pictures";
import type { Progress, Session } from "../api/session";
import { isAbort, Lost, Refused, type Transport } from "../api/transport";
import type { About, Condition, Result, ViewName } from "../api/types";
import { Emitter } from "../emitter";
import { Connection } from "./connection";
import { conditions, isEmpty, NOTHING, withRange, type Filter } from "./filter";
import { Newest } from "./newest";
import type { Values } from "./values";
import { possible, suggested, wanted, type Axes, type Views } from "./views";

export interface Events {
  /** A query runs (how far), or ran. */
  running: Progress | null;
  result: Result;
  /** What is wrong with the query. */
  fault: Refused | null;
  /** What is wrong with anything else. */
  trouble: string | null;
  pictures: Pictures;
  /** A brush, the classes or the probability changed; the selection follows. */
  filter: Filter;
  selection: Selection;
  /** Something that a link holds has settled. */
  settled: undefined;
  source: number | null;
  /** What the source has that is shown. */
  values: Values | null;
}

export interface Kept {
  views?: Views | null;
  filter?: Filter;
}

export class Explorer extends Emitter<Events> {
  readonly connection: Connection;
  query = "";
  result: Result | null = null;
  pictures: Pictures | null = null;
  selection: Selection | null = null;
  views: Views = {};
  filter: Filter = NOTHING;
  values: Values | null = null;
  /** Whether points can be drawn here. */
  points = true;
  /** The width and height in pixels that a view has. */
  pixels: (view: ViewName) => [number, number] = () => [400, 300];

  #running: AbortController | null = null;
  /** What was asked for and has not come yet, perhaps as the server was lost. */
  #wish: { query: string; kept: Kept } | null = null;
  #shown: number | null = null;
  readonly #selects = new Newest<Filter>((filter) => this.#select(filter));

  constructor(
    readonly about: About,
    readonly transport: Transport,
  ) {
    super();
    this.connection = new Connection(transport, () => this.#again());
  }

  /** The filter as the server takes it. */
  get conditions(): Condition[] {
    return conditions(this.filter, this.#drawn);
  }

  get #drawn(): ViewName[] {
    return Object.keys(this.pictures?.views ?? {}) as ViewName[];
  }

  /** Run a query; views and filter are those of a link, or of before where the result has their columns. */
  async run(query: string, kept: Kept = {}): Promise<boolean> {
    this.cancel();
    const running = new AbortController();
    this.#running = running;
    this.#wish = { query, kept };
    this.#selects.clear();
    this.emit("fault", null);
    this.emit("trouble", null);
    this.emit("running", { progress: null, seconds: 0 });
    try {
      const told = (progress: Progress) => this.#running === running && this.emit("running", progress);
      const result = await this.connection.ask((session) => session.query(query, told, running.signal));
      if (this.#running !== running) return false;
      this.#wish = null;
      this.query = query;
      this.result = result;
      this.views = { ...suggested(result, this.about), ...possible(kept.views ?? {}, result) };
      this.filter = kept.filter ?? NOTHING;
      this.emit("result", result);
      this.show(null);
      await this.#draw();
      return true;
    } catch (error) {
      if (this.#running === running) this.#tell(error, "fault");
      if (!(error instanceof Lost)) this.#wish = null;
      return false;
    } finally {
      if (this.#running === running) {
        this.#running = null;
        this.emit("running", null);
      }
    }
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  cancel(): void {
    this.#running?.abort();
  }

  /** Change axes, or what is drawn of them; a brush along other axes goes. */
  async setAxes(view: ViewName, axes: Axes, keepsBrush = false): Promise<void> {
    this.views = { ...this.views, [view]: axes };
    if (!keepsBrush) this.filter = withRange(this.filter, view, null);
    try {
      await this.#draw();
      this.emit("settled", undefined);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Change what is selected; `settled` is false while a brush moves. */
  setFilter(filter: Filter, settled = true): void {
    this.filter = filter;
    this.emit("filter", filter);
    this.#selects.ask(filter);
    if (settled) this.emit("settled", undefined);
  }

  setRange(view: ViewName, range: number[] | null, settled = true): void {
    this.setFilter(withRange(this.filter, view, range), settled);
  }

  /** Show the source nearest to a place in a view. */
  async pick(view: ViewName, at: number[], within: number[]): Promise<void> {
    const row = await this.ask((session) => session.pick(view, at, within, this.conditions));
    if (row !== undefined && row !== null) this.show(row);
  }

  /** Open a source's panel, or close it. */
  show(row: number | null): void {
    this.#shown = row;
    this.values = null;
    this.emit("source", row);
    this.emit("values", null);
    if (row !== null) void this.#find(row);
  }

  async #find(row: number): Promise<void> {
    const found = await this.ask((session) => session.rows([{ rows: [row] }], [], 0, 1));
    const [, ...values] = found?.rows[0] ?? [];
    if (!values.length || this.#shown !== row || !this.result) return;
    this.values = Object.fromEntries(this.result.columns.map(({ name }, k) => [name, values[k] ?? null]));
    this.emit("values", this.values);
  }

  /** Ask the session; undefined, and a line on the page, if there is no answer. */
  async ask<T>(question: (session: Session) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.connection.ask(question);
    } catch (error) {
      this.#tell(error);
      return undefined;
    }
  }

  async #draw(): Promise<void> {
    const views = wanted(this.views, this.pixels);
    if (Object.keys(views).length === 0 && !this.result?.classes) {
      this.pictures = { count: this.result?.rows ?? 0, counts: [], classes: null, views: {} };
    } else {
      this.pictures = await this.connection.ask((session) => session.axes(views, this.points));
    }
    this.emit("pictures", this.pictures);
    this.emit("filter", this.filter);
    await this.#select(this.filter);
  }

  async #select(filter: Filter): Promise<void> {
    const { pictures } = this;
    if (!pictures) return;
    let selection = everything(pictures);
    if (!isEmpty(filter)) {
      const asked = conditions(filter, this.#drawn);
      const rows = pictures.classes ? pictures.count : 0;
      const found = await this.ask((session) => session.select(asked, rows));
      // What was asked of other pictures is not to be drawn on these.
      if (!found || pictures !== this.pictures) return;
      selection = found;
    }
    this.selection = selection;
    this.emit("selection", selection);
  }

  /** The session is a new one: run the query again, and keep the rest. */
  async #again(): Promise<void> {
    const wish = this.#wish ?? { query: this.query, kept: { views: this.views, filter: this.filter } };
    if (wish.query) await this.run(wish.query, wish.kept);
  }

  #tell(error: unknown, event: "fault" | "trouble" = "trouble"): void {
    if (error instanceof Refused) {
      if (event === "fault") this.emit("fault", error.cancelled ? null : error);
      else this.emit("trouble", error.message);
    } else if (!isAbort(error) && !this.connection.isLost) {
      this.emit("trouble", "Something went wrong on this page; load it again.");
      console.error(error);
    }
  }
}
