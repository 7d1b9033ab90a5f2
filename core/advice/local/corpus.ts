import { digestOf, sha256Hex } from "../../canonical.ts";
import { LABEL_FIELDS, type LabelField } from "../step.ts";
import { LABEL_UNITS_MAX } from "./header.ts";
import { cleaned } from "./text.ts";

/** Distinct tickets that a model is trained on; what comes after them is counted and left out. */
export const TICKETS_MAX = 100_000;

export type Labels = { readonly [field in LabelField]?: string };

/** A closed ticket: what was asked, and what people made of it. */
export interface LabelledText {
  text: string;
  labels: Labels;
}

/** A ticket of the corpus, with its text as the model reads it. */
export interface CorpusTicket {
  text: string;
  labels: Labels;
  /** How many tickets read the same and have the same labels. */
  times: number;
}

/** What a model is trained on. The order in which the tickets were read makes no difference. */
export interface Corpus {
  tickets: readonly CorpusTicket[];
  /** All that came, whether it can be used or not. */
  read: number;
  /** Without text, or without a label. */
  unusable: number;
  /** Left out because there were too many. */
  beyond: number;
  /** SHA-256 over all that can be used. */
  digest: string;
}

/** Reads all tickets of a source. Alike ones are kept once, and counted: an alert that came a thousand times says one thing. */
export async function gatherCorpus(
  source: AsyncIterable<LabelledText> | Iterable<LabelledText>,
  ticketsMax = TICKETS_MAX,
): Promise<Corpus> {
  const kept = new Map<string, CorpusTicket>();
  let [read, unusable, beyond] = [0, 0, 0];
  for await (const given of source) {
    read++;
    const text = cleaned(given.text);
    const labels = usableLabels(given.labels);
    if (text.trim() === "" || Object.keys(labels).length === 0) {
      unusable++;
      continue;
    }
    const digest = digestOf({ text, labels });
    const known = kept.get(digest);
    if (known) known.times++;
    else if (kept.size < ticketsMax) kept.set(digest, { text, labels, times: 1 });
    else beyond++;
  }
  const sorted = [...kept].sort(([a], [b]) => (a < b ? -1 : 1));
  const digest = sha256Hex(sorted.map(([each, { times }]) => `${each} ${times}\n`).join(""));
  return { tickets: sorted.map(([, ticket]) => ticket), read, unusable, beyond, digest };
}

/** Without what is empty, or too long to be a label. */
function usableLabels(given: Labels): { [field in LabelField]?: string } {
  const labels: { [field in LabelField]?: string } = {};
  for (const field of LABEL_FIELDS) {
    const label = given[field]?.trim().toWellFormed();
    if (label !== undefined && label !== "" && label.length <= LABEL_UNITS_MAX) labels[field] = label;
  }
  return labels;
}

/** Which tickets a model is not trained on, so that it can be measured on them. */
export interface HoldOut {
  seed: number;
  /** 0 to 50. */
  percent: number;
}

/**
 * Whether a ticket is held out. The text alone decides, so that alike tickets stand on the same side, and that it can be
 * told of any ticket later whether a model has seen it.
 */
export function isHeldOut(text: string, { seed, percent }: HoldOut): boolean {
  if (percent === 0) return false;
  const drawn = Number.parseInt(sha256Hex(`hold-out ${seed}\n${cleaned(text)}`).slice(0, 8), 16);
  return (drawn / 2 ** 32) * 100 < percent;
}
