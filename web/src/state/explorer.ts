// What the page knows and does: one result, its axes, what is selected; views listen to it.
import { everything, type Pictures, type Selection } from "../api/pictures";
import type { Progress, Session } from "../api/session";
import { isAbort, Lost, Refused, type Transport } from "../api/transport";
import type { About, ClassLook, Condition, Result, ViewName } from "../api/types";
import { Emitter } from "../emitter";
import { noClass } from "../theme";
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
  /** False while a brush moves. */
  isSettled = true;
  values: Values | null = null;
  /** The most sources that are drawn one by one; the server may send cells for fewer. */
  mostPoints = Infinity;
  /** The width and height in pixels that a view has. */
  pixels: (view: ViewName) => [number, number] = () => [400, 300];

  #running: AbortController | null = null;
  /** What was asked for and has not come yet, perhaps as the server was lost. */
  #wish: { query: string; kept: Kept } | null = null;
  #shown: number | null = null;
  #changing: Promise<void> | null = null;
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

  /** How the classes look: of codes, of which the last is no class. */
  get looks(): ClassLook[] {
    return [...(this.result?.classes ?? []), noClass];
  }

  /** How a class looks that the result, or the model, has. */
  lookOf(name: string | null): ClassLook {
    const known = [...(this.result?.classes ?? []), ...this.about.classes];
    return known.find((one) => one.name === name) ?? noClass;
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
      const isDone = await this.#change(async () => {
        const result = await this.connection.ask((session) => session.query(query, told, running.signal));
        if (this.#running !== running) return false;
        this.#wish = null;
        const views = { ...suggested(result, this.about), ...possible(kept.views ?? {}, result) };
        const pictures = await this.#asked(result, views);
        if (this.#running !== running) return false;
        Object.assign(this, { query, result, views, pictures, filter: kept.filter ?? NOTHING });
        return true;
      });
      if (!isDone) return false;
      this.show(null);
      this.emit("result", this.result!);
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
    try {
      await this.#redraw({ ...this.views, [view]: axes }, () =>
        keepsBrush ? this.filter : withRange(this.filter, view, null),
      );
      this.emit("settled", undefined);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Draw no more than so many points from now on, and cells for more: a browser may have no graphics card, or lose it. */
  async limitPoints(most: number): Promise<void> {
    const isTooMany = this.result !== null && this.result.rows <= this.mostPoints && this.result.rows > most;
    this.mostPoints = Math.min(this.mostPoints, most);
    if (!isTooMany) return;
    try {
      await this.#redraw(this.views, () => this.filter);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Change what is selected. */
  setFilter(filter: Filter, settled = true): void {
    this.filter = filter;
    this.isSettled = settled;
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
    // What is asked of a result is not asked of the next one, nor of a server that is lost.
    if (this.#changing) await this.#changing;
    if (this.connection.isLost) return undefined;
    try {
      return await this.connection.ask(question);
    } catch (error) {
      this.#tell(error);
      return undefined;
    }
  }

  /** Do what changes the result or its axes; all else that is asked waits for it. */
  async #change<T>(work: () => Promise<T>): Promise<T> {
    const done = work();
    const ended = done.then(
      () => {},
      () => {},
    );
    this.#changing = ended;
    try {
      return await done;
    } finally {
      if (this.#changing === ended) this.#changing = null;
    }
  }

  async #redraw(views: Views, filter: () => Filter): Promise<void> {
    const { result } = this;
    if (!result) return;
    await this.#change(async () => {
      const pictures = await this.#asked(result, views);
      if (result === this.result) Object.assign(this, { views, pictures, filter: filter() });
    });
    await this.#draw();
  }

  /** The pictures of a result; those of before stay on the screen until they come. */
  async #asked(result: Result, views: Views): Promise<Pictures> {
    const asked = wanted(views, this.pixels);
    if (Object.keys(asked).length || result.classes.length) {
      return this.connection.ask((session) => session.axes(asked, Math.max(1, result.rows) <= this.mostPoints));
    }
    return { count: result.rows, counts: [], classes: null, views: {} };
  }

  async #draw(): Promise<void> {
    this.emit("pictures", this.pictures!);
    this.emit("filter", this.filter);
    await this.#select(this.filter);
  }

  async #select(filter: Filter): Promise<void> {
    const { pictures } = this;
    if (!pictures) return;
    let selection = everything(pictures);
    if (!isEmpty(filter)) {
      const rows = pictures.classes ? pictures.count : 0;
      const found = await this.ask((session) => session.select(conditions(filter, this.#drawn), rows));
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
