// Send the selection to TOPCAT, Aladin and other programs by SAMP, and take what they select.
import { h } from "../dom";
import { counted } from "../numbers";
import type { Explorer } from "../state/explorer";
import { NOTHING } from "../state/filter";

const POLL_MS = 2000;
const NEAR_DEG = 0.01;

interface Samp {
  available: boolean;
  programs: string[];
}

interface Event {
  number: number;
  kind: "rows" | "position";
  rows?: number[];
  /** Which table that was sent the rows are of. */
  table?: string;
  ra?: number;
  dec?: number;
  from: string;
}

/** A button that sends, and says in `told` what came of it; null where the server has no SAMP. */
export function sampButton(explorer: Explorer, told: (text: string) => void): HTMLElement | null {
  if (!explorer.about.samp) return null;
  let last = 0;
  let table: string | null = null;
  explorer.on("result", () => (table = null));
  let isListening = false;

  const send = async () => {
    const { available, programs } = (await explorer.transport("GET", "samp", undefined, "json")) as Samp;
    if (!available || !programs.length) {
      told("No program listens: start TOPCAT or Aladin, then send again.");
      return;
    }
    const found = await explorer.ask((session) => session.sendBySamp(explorer.conditions));
    if (!found) return;
    table = found.table;
    told(`${counted(explorer.selection?.count ?? 0, "source")} sent to ${found.sent_to.join(", ") || "nobody"}.`);
    if (!isListening) void listen();
  };

  /** Ask for what programs said, again and again. */
  const listen = async () => {
    isListening = true;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      try {
        const path = `samp/events?after=${last}`;
        const { events, ...rest } = (await explorer.transport("GET", path, undefined, "json")) as { last: number; events: Event[] };
        last = rest.last;
        for (const event of events) take(event);
      } catch {
        // The server is lost, which a line on the page says; this goes on when it is back.
      }
    }
  };

  const take = ({ kind, rows, table: ofTable, ra, dec, from }: Event) => {
    if (kind === "rows" && rows && ofTable === table) {
      explorer.setFilter({ ...NOTHING, rows });
      told(`${from} selected ${counted(rows.length, "source")}.`);
    } else if (kind === "position" && ra !== undefined && dec !== undefined) {
      void explorer.pick("sky", [ra, dec], [NEAR_DEG / Math.cos((dec * Math.PI) / 180), NEAR_DEG]);
    }
  };

  const failed = (error: unknown) => told(error instanceof Error ? error.message : "It was not sent.");
  return h("button", { type: "button", onclick: () => void send().catch(failed) }, "Send to TOPCAT, Aladin …");
}
