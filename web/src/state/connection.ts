// The session, and what to do when the server is lost: wait, begin another session, run the query again.
import { Session } from "../api/session";
import { Lost, Refused, type Transport } from "../api/transport";
import { Emitter } from "../emitter";

const WAITS_S = [1, 1, 2, 3, 5];

export class Connection extends Emitter<{ lost: boolean; busy: boolean }> {
  #session: Promise<Session> | null = null;
  #asking = 0;
  #waits: Promise<void> | null = null;

  /** again : is called when a new session has taken the place of another */
  constructor(
    private readonly transport: Transport,
    private readonly again: () => Promise<void>,
  ) {
    super();
    addEventListener("pagehide", () => this.#end());
    // A page that comes back by the browser's button has ended its session.
    addEventListener("pageshow", (event) => event.persisted && this.#recover());
  }

  get isLost(): boolean {
    return this.#waits !== null;
  }

  /** Ask the session, which begins with the first question. */
  async ask<T>(question: (session: Session) => Promise<T>): Promise<T> {
    const asked = (this.#session ??= Session.begin(this.transport));
    this.#count(1);
    try {
      return await question(await asked);
    } catch (error) {
      if (error instanceof Lost || (error instanceof Refused && error.gone)) {
        if (this.#session === asked) this.#session = null;
        this.#recover();
        throw new Lost("The session ended.", { cause: error });
      }
      throw error;
    } finally {
      this.#count(-1);
    }
  }

  /** Begin the session before the first question: its process takes a second to start. */
  warm(): void {
    this.#session ??= Session.begin(this.transport);
    this.#session.catch(() => {}); // whoever asks is told
  }

  #count(more: 1 | -1): void {
    this.#asking += more;
    if (this.#asking === Number(more === 1)) this.emit("busy", this.#asking > 0);
  }

  /** Try to begin a session until there is one. */
  #recover(): void {
    this.#waits ??= this.#retry().finally(() => {
      this.#waits = null;
      this.emit("lost", false);
      void this.again();
    });
  }

  async #retry(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        const session = await Session.begin(this.transport);
        this.#session = Promise.resolve(session);
        return;
      } catch {
        this.emit("lost", true);
        const wait = WAITS_S[Math.min(tries, WAITS_S.length - 1)]!;
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      }
    }
  }

  #end(): void {
    const ended = this.#session;
    this.#session = null;
    void ended?.then((session) => session.end());
  }
}
