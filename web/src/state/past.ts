// The queries that were run in this browser, the newest first.

export interface Past {
  query: string;
  time: number;
  rows: number;
}

const KEY = "sedsql.explore.history";
const MOST = 50;

export function past(): Past[] {
  try {
    const read = JSON.parse(localStorage.getItem(KEY) ?? "[]") as unknown;
    return Array.isArray(read) ? read.filter((one): one is Past => typeof one?.query === "string") : [];
  } catch {
    return []; // no storage in this frame, or not ours
  }
}

export function remember(query: string, rows: number): void {
  const others = past().filter((one) => one.query !== query);
  const kept = [{ query, rows, time: Date.now() }, ...others].slice(0, MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // a browser that keeps nothing has no history
  }
}

export function forget(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // nothing was kept
  }
}
