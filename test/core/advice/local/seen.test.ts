import { expect } from "chai";
import { gatherCorpus, isHeldOut } from "../../../../core/advice/local/corpus.ts";
import { openClassify } from "../../../../core/advice/local/model.ts";
import { isSeen, seenIn } from "../../../../core/advice/local/seen.ts";
import { trainClassifier } from "../../../../core/advice/local/training.ts";

const textOf = (at: number): string => `printer number ${"i".repeat(at)} is out of toner`;

describe("the texts that a model was trained on", () => {
  it("are known again, and others are not", () => {
    const texts = Array.from({ length: 500 }, (_, at) => textOf(at));
    const seen = seenIn(texts);
    expect(texts.filter((text) => !isSeen(seen, text))).to.deep.equal([]);
    expect(texts.filter((text) => isSeen(seen, `${text}!`))).to.deep.equal([]);
    expect(isSeen(seenIn([]), "a")).to.equal(false);
  });

  it("stand in its file, without those that were held out, and however they are written", async () => {
    const corpus = await gatherCorpus(
      Array.from({ length: 60 }, (_, at) => ({ text: textOf(at), labels: { category: at % 2 ? "Toner" : "Printer" } })),
    );
    const holdOut = { seed: 1, percent: 30 };
    const { file } = trainClassifier(corpus, { ...holdOut, trainedAt: "2026-01-01T00:00:00Z" });
    const opened = openClassify(file ?? new Uint8Array());
    if ("fault" in opened) throw new Error(opened.message);
    for (const { text } of corpus.tickets) expect(opened.model.hasSeen(text)).to.equal(!isHeldOut(text, holdOut));
    const known = corpus.tickets.find(({ text }) => !isHeldOut(text, holdOut))?.text ?? "";
    expect(opened.model.hasSeen(known.toUpperCase())).to.equal(true);
    expect(opened.model.hasSeen("something else")).to.equal(false);
  });
});
