import { parentPort, workerData } from "node:worker_threads";
import { getFastTextClass, getFastTextModule } from "fasttext.wasm.js";
import type { FasttextAnswers, FasttextTask } from "./fasttext.ts";
import { p99Ms } from "./judged.ts";

const { settings, trained, test, top } = workerData as FasttextTask; // what fasttext.ts hands over

/** As far as it is used here; the package's own types leave it unknown. */
interface Model {
  predict(text: string, top: number, threshold: number): { size(): number; get(at: number): [number, string] };
  saveModel(): Blob;
}

const labels = [...new Set(trained.map(({ label }) => label))].sort();
const lines = trained.map(({ text, label }) => `__label__${labels.indexOf(label)} ${text}\n`).join("");
const FastText = await getFastTextClass({ getFastTextModule });
const start = process.hrtime.bigint();
const model = (await new FastText().trainSupervised(
  `data:text/plain;base64,${Buffer.from(lines).toString("base64")}`,
  { ...settings, loss: "softmax", verbose: 0 },
  () => {},
)) as Model; // the package says unknown
const trainS = Number(process.hrtime.bigint() - start) / 1e9;

function answer(text: string): string[] {
  const found = model.predict(text, top, 0);
  return Array.from(
    { length: found.size() },
    (_, at) => labels[Number(found.get(at)[1].slice("__label__".length))] ?? "",
  );
}

const answers: FasttextAnswers = {
  answers: test.map(({ text }) => answer(text)),
  trainS,
  p99Ms: p99Ms((text) => void answer(text), test),
  modelBytes: model.saveModel().size,
};
parentPort?.postMessage(answers);
