// Ask by HTTP; everything is relative to the page, which may stand below any path.
import { isAbort, Lost, Refused, refused, type ErrorObject, type Kinds, type Options, type Transport } from "./transport";

const PROXYS_WORDS_FOR_NO_SERVER = [502, 503, 504];

export const http: Transport = async (method, path, body, as, options = {}) => {
  const headers: Record<string, string> = { "X-Sedsql": "explore" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(new URL(`explore/${path}`, document.baseURI), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: options.signal ?? null,
      keepalive: options.keepalive ?? false,
    });
    if (!response.ok) throw await refusal(response);
    return await readers[as](response, options);
  } catch (error) {
    if (error instanceof Refused || isAbort(error)) throw error;
    // What the network says, and a body that ends early.
    throw new Lost("The server does not answer.", { cause: error });
  }
};

const readers: { [As in keyof Kinds]: (response: Response, options: Options) => Promise<Kinds[As]> } = {
  json: (response) => (response.status === 204 ? Promise.resolve(null) : response.json()),
  buffer: (response) => response.arrayBuffer(),
  file: (response) => response.blob(),
  lines: async (response, { onLine }) => {
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      const parts = (rest + (value ?? "")).split("\n");
      rest = done ? "" : parts.pop()!;
      for (const part of parts) if (part.trim()) onLine?.(JSON.parse(part) as Record<string, unknown>);
      if (done) return undefined;
    }
  },
};

async function refusal(response: Response): Promise<Error> {
  try {
    const { error } = (await response.json()) as { error: ErrorObject };
    return refused(error, response.status);
  } catch {
    if (PROXYS_WORDS_FOR_NO_SERVER.includes(response.status)) return new Lost("The server does not answer.");
    return new Refused(`The server answers with an error, ${response.status}.`, response.status);
  }
}
