import { expect } from "chai";
import { answersOf, crossFittedAnswers } from "../../../../core/advice/calibration/local.ts";
import { type Corpus, gatherCorpus, type LabelledText } from "../../../../core/advice/local/corpus.ts";
import { type ClassifyModel, openClassify } from "../../../../core/advice/local/model.ts";
import { trainClassifier } from "../../../../core/advice/local/training.ts";
import { prng } from "../../../support/prng.ts";

function trained(corpus: Corpus): ClassifyModel {
  const { file } = trainClassifier(corpus, { seed: 1, percent: 0, trainedAt: "2026-01-01T00:00:00Z" });
  const opened = openClassify(file ?? new Uint8Array());
  if ("fault" in opened) throw new Error(opened.message);
  return opened.model;
}

/** Texts that say nothing about their labels, but say it twice: learnt by heart, every one can be answered. */
function noise(): Promise<Corpus> {
  const random = prng(1);
  const word = (): string => Math.floor(random() * 26 ** 3).toString(26);
  const texts = Array.from({ length: 120 }, (): LabelledText => {
    const words = [word(), word(), word(), word()].join(" ");
    return { text: `${words} ${words}`, labels: { category: random() < 0.5 ? "Access" : "Storage" } };
  });
  return gatherCorpus(texts);
}

const rightOf = (answers: readonly { correct: boolean }[]): number =>
  answers.filter(({ correct }) => correct).length / answers.length;

describe("answers of the local model to tickets of the past", () => {
  it("are cross-fitted from models that never saw the ticket: what was learnt by heart is worth nothing", async () => {
    const corpus = await noise();
    expect(rightOf(answersOf(trained(corpus), corpus.tickets))).to.be.above(0.9);
    const answers = crossFittedAnswers(corpus, { seed: 1 });
    expect(answers.length).to.be.above(60);
    expect(rightOf(answers)).to.be.below(0.65);
  });

  it("come for each field that a ticket has a label of, once for each text and label", async () => {
    const asked = (text: string, category: string, intent?: string): LabelledText => ({
      text,
      labels: intent === undefined ? { category } : { category, intent },
    });
    const corpus = await gatherCorpus([
      ...Array.from({ length: 30 }, (_, at) => asked(`reset the password ${"a".repeat(at)}`, "Access", "reset")),
      ...Array.from({ length: 30 }, (_, at) => asked(`printer out of toner ${"b".repeat(at)}`, "Hardware", "order")),
      // The same text five times, with another intent each time, and once with another category.
      ...["one", "two", "three", "four", "five"].map((intent) => asked("reset the password now", "Access", intent)),
      asked("reset the password now", "Hardware"),
    ]);
    const answers = answersOf(trained(corpus), corpus.tickets);
    const count = (of: "category" | "intent"): number => answers.filter(({ field }) => field === of).length;
    expect([count("category"), count("intent")]).to.deep.equal([62, 65]);
    const category = answers.filter(({ field }) => field === "category");
    expect(category.filter(({ correct }) => !correct)).to.have.length(1);
  });

  it("are wrong where people used a label that is too rare to be learnt", async () => {
    const corpus = await gatherCorpus([
      ...Array.from({ length: 20 }, (_, at) => ({
        text: `vpn down ${at % 2 ? "x" : "y"} ${"a".repeat(at)}`,
        labels: { category: at % 2 ? "Network" : "Access" },
      })),
      { text: "vpn down for me", labels: { category: "Facilities" } },
    ]);
    const answers = crossFittedAnswers(corpus, { seed: 3 });
    expect(answers).to.have.length(21);
    expect(answers.some(({ label }) => label === "Facilities")).to.equal(false);
    expect(answers.filter(({ correct }) => !correct).length).to.be.at.least(1);
  });

  it("are the same every time, and told of as they come", async () => {
    const corpus = await noise();
    const shares: number[] = [];
    const answers = crossFittedAnswers(corpus, { seed: 2, folds: 3, onProgress: (share) => shares.push(share) });
    expect(crossFittedAnswers(corpus, { seed: 2, folds: 3 })).to.deep.equal(answers);
    expect(shares).to.deep.equal([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).to.be.closeTo(1, 1e-9);
  });

  it("do not come from tickets in which there is nothing to learn", async () => {
    const corpus = await gatherCorpus([{ text: "a ticket", labels: { category: "Access" } }]);
    expect(crossFittedAnswers(corpus, { seed: 1 })).to.deep.equal([]);
  });
});
