// One request at a time; of those that come meanwhile the newest waits, and the others are dropped.

export class Newest<T> {
  #waiting: { what: T } | null = null;
  #busy = false;

  constructor(private readonly work: (what: T) => Promise<void>) {}

  ask(what: T): void {
    this.#waiting = { what };
    if (!this.#busy) void this.#drain();
  }

  /** Drop what waits. */
  clear(): void {
    this.#waiting = null;
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#waiting) {
        const { what } = this.#waiting;
        this.#waiting = null;
        await this.work(what);
      }
    } finally {
      this.#busy = false;
    }
  }
}
