// Why a source has its class, in a sentence or two: the inputs that speak for it, and what shines more than a star does.
import type { About, Source } from "../api/types";
import { short } from "../numbers";
import { bandName } from "../state/names";

const MOST = 3;
/** Of what the strongest input adds, that another one is named too. */
const SHARE = 0.3;
const LEAST = 0.02;
/** Of the logarithm of a flux over the blackbody's: a factor of 2. */
const EXCESS_DEX = 0.3;

export function why(source: Source, about: About): string {
  return [inputs(source, about), excess(source)].filter(Boolean).join(" ");
}

function inputs(source: Source, about: About): string {
  const given = Object.entries(source.contributions ?? {}).sort(([, a], [, b]) => b - a);
  const most = given[0]?.[1] ?? 0;
  const named = given.filter(([, p]) => p >= LEAST && p >= SHARE * most).slice(0, MOST);
  if (!named.length) return "";
  const names = named.map(([input]) => bandName(input, about));
  const told = `${listed(names)} ${names.length > 1 ? "speak" : "speaks"} most for ${source.class}.`;
  return told.charAt(0).toUpperCase() + told.slice(1);
}

function excess({ bands, blackbody }: Source): string {
  const above = bands
    .map((band, k) => ({ band, dex: blackbody?.residuals[k] ?? 0 }))
    .filter(({ band, dex }) => band.used && !band.limit && dex > EXCESS_DEX)
    .sort((a, b) => b.dex - a.dex)[0];
  if (!above || !blackbody) return "";
  const times = short(10 ** above.dex, 2);
  return `In ${above.band.name} it is ${times} times as bright as the blackbody of ${short(blackbody.temperature, 3)} K.`;
}

function listed(names: string[]): string {
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join("");
}
