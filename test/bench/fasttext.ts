import { Worker } from "node:worker_threads";
import { judged, type Ticket } from "./judged.ts";

/** The names are the library's own. */
export interface FasttextSettings {
  epoch: number;
  lr: number;
  dim: number;
  wordNgrams: number;
  minn: number;
  maxn: number;
  bucket: number;
}

export interface FasttextTask {
  settings: FasttextSettings;
  trained: readonly Ticket[];
  test: readonly Ticket[];
  top: number;
}

export interface FasttextAnswers {
  /** For each text of the test part, best first. */
  answers: string[][];
  trainS: number;
  p99Ms: number;
  modelBytes: number;
}

const words = { wordNgrams: 1, minn: 0, maxn: 0, bucket: 1_000 };
const SETTINGS: readonly FasttextSettings[] = [
  { ...words, epoch: 10, lr: 0.5, dim: 50 },
  { ...words, epoch: 25, lr: 0.2, dim: 50 },
  { ...words, epoch: 50, lr: 0.1, dim: 100 },
  { ...words, wordNgrams: 2, bucket: 200_000, epoch: 25, lr: 0.5, dim: 50 },
  { wordNgrams: 1, minn: 3, maxn: 5, bucket: 100_000, epoch: 10, lr: 0.5, dim: 50 },
  { wordNgrams: 2, minn: 3, maxn: 5, bucket: 200_000, epoch: 10, lr: 0.5, dim: 50 },
];

/** fastText with several settings, trained and asked as the local model is. */
export async function fasttextBeside(
  trained: readonly Ticket[],
  test: readonly Ticket[],
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (const settings of SETTINGS) {
    const { answers, trainS, p99Ms, modelBytes } = await inWorker({ settings, trained, test, top: 3 });
    found.push({
      ...settings,
      ...judged(test, answers),
      train_s: Number(trainS.toFixed(2)),
      p99_ms: Number(p99Ms.toFixed(4)),
      model_bytes: modelBytes,
    });
  }
  return found;
}

/** Each in a thread of its own: a second training in the same module still sees the texts of the first. */
function inWorker(task: FasttextTask): Promise<FasttextAnswers> {
  const worker = new Worker(new URL("./fasttext-worker.ts", import.meta.url), { workerData: task, stdout: true });
  return new Promise((resolve, reject) => {
    worker.on("message", resolve);
    worker.on("error", reject);
    worker.on("exit", (code) => reject(new Error(`fastText ended with ${code} before it answered`)));
  });
}
