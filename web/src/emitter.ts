// Tell others what happened.

export class Emitter<Events extends object> {
  #listeners: { [Name in keyof Events]?: ((what: Events[Name]) => void)[] } = {};

  on<Name extends keyof Events>(name: Name, listener: (what: Events[Name]) => void): void {
    (this.#listeners[name] ??= []).push(listener);
  }

  protected emit<Name extends keyof Events>(name: Name, what: Events[Name]): void {
    for (const listener of this.#listeners[name] ?? []) listener(what);
  }
}
