import { type Corpus, gatherCorpus, type LabelledText } from "../../../../core/advice/local/corpus.ts";
import { type ClassifyModel, openClassify } from "../../../../core/advice/local/model.ts";
import { type Training, type TrainingSettings, trainClassifier } from "../../../../core/advice/local/training.ts";
import { prng } from "../../../support/prng.ts";

const TOPICS: readonly (readonly [category: string, service: string, words: string])[] = [
  ["Hardware", "Laptops", "laptop screen battery keyboard dock broken charger replace"],
  ["Access", "Accounts", "password account locked login reset permission folder denied"],
  ["Network", "Wi-Fi", "wifi network vpn slow connection drops router signal"],
  ["Purchase", "Orders", "order purchase invoice quote licence supplier delivery price"],
];
const FILLERS = "please hello thanks team today urgent since morning help with the and my".split(" ");

/** Made-up tickets of four topics, each with words of its own and words of all. */
export function madeUpTickets(count: number, seed = 1): LabelledText[] {
  const random = prng(seed);
  const one = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? "";
  return Array.from({ length: count }, (_, at) => {
    const [category, service, words] = TOPICS[at % TOPICS.length] ?? ["", "", ""];
    const text = Array.from({ length: 10 }, () => one(random() < 0.5 ? FILLERS : words.split(" "))).join(" ");
    return { text: `${text} case${String.fromCharCode(97 + (at % 26))}`, labels: { category, service } };
  });
}

export const SETTINGS: TrainingSettings = { seed: 1, percent: 0, trainedAt: "2026-01-01T00:00:00Z" };

export async function trained(
  tickets: readonly LabelledText[],
  settings: Partial<TrainingSettings> = {},
): Promise<Training & { corpus: Corpus }> {
  const corpus = await gatherCorpus(tickets);
  return { ...trainClassifier(corpus, { ...SETTINGS, ...settings }), corpus };
}

/** Tickets, trained, written, read again. */
export async function modelOf(
  tickets: readonly LabelledText[],
  settings: Partial<TrainingSettings> = {},
): Promise<ClassifyModel> {
  const { file } = await trained(tickets, settings);
  return opened(file).model;
}

export function opened(file: Uint8Array | undefined): { model: ClassifyModel; checksum: string } {
  const found = openClassify(file ?? new Uint8Array());
  if ("fault" in found) throw new Error(`refused as ${found.fault}`);
  return found;
}
