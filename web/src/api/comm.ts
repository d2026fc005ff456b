// Ask Jupyter's kernel, over the channel of a widget.
import { Lost, refused, type ErrorObject, type Options, type Transport } from "./transport";

/** What a widget's model offers of Jupyter's channel. */
export interface Channel {
  send(content: unknown): void;
  on(event: "msg:custom", listener: (message: Message, buffers: DataView[]) => void): void;
}

interface Message {
  id: number;
  status?: number;
  json?: unknown;
  line?: Record<string, unknown>;
  mime?: string;
}

interface Waiting {
  done(message: Message, bytes: DataView | undefined): void;
  onLine: Options["onLine"];
}

export function comm(channel: Channel): Transport {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  channel.on("msg:custom", (message, [bytes]) => {
    const asked = waiting.get(message.id);
    if (message.line) asked?.onLine?.(message.line);
    else asked?.done(message, bytes);
  });

  return (method, path, body, as, options = {}) =>
    new Promise((resolve, reject) => {
      const id = (last += 1);
      const { signal } = options;
      const abort = () => {
        waiting.delete(id);
        channel.send({ cancel: id });
        reject(new DOMException("The request was cancelled.", "AbortError"));
      };
      signal?.addEventListener("abort", abort, { once: true });
      waiting.set(id, {
        onLine: options.onLine,
        done: (message, bytes) => {
          waiting.delete(id);
          signal?.removeEventListener("abort", abort);
          const status = message.status ?? 200;
          if (status >= 400) reject(failure(message.json, status));
          else resolve(read(as, message, bytes) as never);
        },
      });
      channel.send({ id, method, path, body });
    });
}

function read(as: string, message: Message, bytes: DataView | undefined): unknown {
  if (as === "lines") return undefined;
  if (as === "json") return message.json ?? null;
  // A part of a larger buffer, whose arrays may begin where numbers cannot be read.
  const copied = bytes ? bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) : new ArrayBuffer(0);
  return as === "file" ? new Blob([copied as ArrayBuffer], { type: message.mime ?? "" }) : copied;
}

function failure(json: unknown, status: number): Error {
  const error = (json as { error?: ErrorObject } | undefined)?.error;
  return error ? refused(error, status) : new Lost("The kernel does not answer.");
}
