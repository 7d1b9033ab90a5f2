import { createReadStream, existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { parse } from "csv-parse";
import { z } from "zod";
import { gatherCorpus, type LabelledText } from "../../core/advice/local/corpus.ts";
import { openClassify } from "../../core/advice/local/model.ts";
import { trainClassifier } from "../../core/advice/local/training.ts";
import { sha256Hex } from "../../core/canonical.ts";
import { judged, p99Ms, type Ticket } from "./judged.ts";

const TICKETS_PATH = "../shared/data/it-tickets-topic-group-dev.csv.gz";
/** Names the fifth of the texts that is only ever looked at for the figures printed here: nothing was chosen by it. */
const TEST_PART = "bench";
const TEST_SHARE = 0.2;
const TOP = 3;

const Row = z.looseObject({ text: z.string(), topic_group: z.string() });

export interface ClassifyBench {
  data?: string;
  /** Trains fastText on the same tickets too. */
  beside?: boolean;
}

/** Accuracy, training time and speed of the local model on real tickets, each text once, split by a fixed seed. */
export async function benchClassify({ data = TICKETS_PATH, beside }: ClassifyBench): Promise<Record<string, unknown>> {
  if (!existsSync(data)) return { bench: "classify", skipped: `${data} is not there` };
  const tickets = await readTickets(data);
  const trained = tickets.filter(({ text }) => !isTest(text));
  const test = tickets.filter(({ text }) => isTest(text));
  const start = process.hrtime.bigint();
  const file = await train(trained);
  const trainS = Number(process.hrtime.bigint() - start) / 1e9;
  const opened = openClassify(file);
  if ("fault" in opened) throw new Error(`the model that was just trained is refused: ${opened.message}`);
  const { model } = opened;
  const answers = test.map(({ text }) => model.predict(text, TOP).category?.map(({ label }) => label) ?? []);
  return {
    bench: "classify",
    tickets: tickets.length,
    trained: trained.length,
    ...judged(test, answers),
    train_s: Number(trainS.toFixed(2)),
    p99_ms: Number(p99Ms((text) => void model.predict(text), test).toFixed(4)),
    model_bytes: file.length,
    ...(beside && { fasttext: await (await import("./fasttext.ts")).fasttextBeside(trained, test) }),
  };
}

function isTest(text: string): boolean {
  return Number.parseInt(sha256Hex(TEST_PART + text).slice(0, 8), 16) / 2 ** 32 < TEST_SHARE;
}

export async function readTickets(path: string): Promise<Ticket[]> {
  const raw: Readable = createReadStream(path);
  const rows = (path.endsWith(".gz") ? raw.pipe(createGunzip()) : raw).pipe(parse({ columns: true, bom: true }));
  const labels = new Map<string, string>();
  for await (const row of rows) {
    const { text, topic_group } = Row.parse(row);
    if (!labels.has(text)) labels.set(text, topic_group);
  }
  return [...labels].map(([text, label]) => ({ text, label }));
}

async function train(tickets: readonly Ticket[]): Promise<Uint8Array> {
  const corpus = await gatherCorpus(
    tickets.map(({ text, label }): LabelledText => ({ text, labels: { category: label } })),
  );
  const { file } = trainClassifier(corpus, { seed: 1, percent: 0, trainedAt: "2026-01-01T00:00:00Z" });
  if (file === undefined) throw new Error("there is nothing to learn in these tickets");
  return file;
}
