import { expect } from "chai";
import { gatherCorpus, isHeldOut, type LabelledText } from "../../../../core/advice/local/corpus.ts";
import { madeUpTickets } from "./tickets.ts";

const ticket = (text: string, category?: string): LabelledText => ({
  text,
  labels: category === undefined ? {} : { category },
});

describe("a corpus", () => {
  it("keeps alike tickets once and counts them: case, digits and space around a label make no other", async () => {
    const { tickets, read } = await gatherCorpus([
      ticket("Backup job 17 failed", "Storage"),
      ticket("backup job 99 FAILED", " Storage "),
      ticket("Backup job 17 failed", "Network"),
    ]);
    expect(read).to.equal(3);
    expect(tickets.map(({ labels, times }) => [labels.category, times])).to.have.deep.members([
      ["Storage", 2],
      ["Network", 1],
    ]);
  });

  it("leaves out what has no text or no label, and says how many", async () => {
    const given = [
      ticket(" \n", "A"),
      ticket("text"),
      ticket("text", "  "),
      ticket("text", "x".repeat(201)),
      ticket("t", "A"),
    ];
    const { tickets, unusable } = await gatherCorpus(given);
    expect([tickets.length, unusable]).to.deep.equal([1, 4]);
  });

  it("leaves out what comes after the most it can hold, but counts what it knows already", async () => {
    const given = [ticket("a", "A"), ticket("b", "A"), ticket("c", "A"), ticket("a", "A")];
    const { tickets, beyond } = await gatherCorpus(given, 2);
    expect([tickets.length, beyond]).to.deep.equal([2, 1]);
    expect(tickets.map(({ times }) => times).toSorted()).to.deep.equal([1, 2]);
  });

  it("is the same whatever the order of the tickets, and its digest tells it from any other", async () => {
    const tickets = madeUpTickets(40);
    const corpus = await gatherCorpus(tickets);
    expect(await gatherCorpus(tickets.toReversed())).to.deep.equal(corpus);
    const changed = [
      [...tickets, ticket("another", "Hardware")],
      tickets.slice(1),
      [...tickets, ...tickets.slice(0, 1)],
      tickets.map((each, at) => (at === 0 ? { ...each, labels: { category: "Access" } } : each)),
    ];
    const digests = await Promise.all(changed.map(async (each) => (await gatherCorpus(each)).digest));
    expect(new Set([corpus.digest, ...digests]).size).to.equal(5);
  });

  it("takes text that is not well formed", async () => {
    const { tickets } = await gatherCorpus([
      ticket("half \ud83d of a pair", "a\udc00b"),
      ticket(`${"あ".repeat(999)}😀😀`, "A"),
    ]);
    expect(tickets).to.have.length(2);
  });
});

describe("holding out", () => {
  const texts = madeUpTickets(2_000).map(({ text }) => text);
  const share = (percent: number, seed = 1): number =>
    texts.filter((text) => isHeldOut(text, { seed, percent })).length / texts.length;

  it("takes about the share that was asked for, nothing at 0, and others with another seed", () => {
    expect(share(0)).to.equal(0);
    expect(share(20)).to.be.within(0.16, 0.24);
    expect(share(50)).to.be.within(0.45, 0.55);
    const drawn = [1, 2].map((seed) => texts.filter((text) => isHeldOut(text, { seed, percent: 20 })));
    expect(drawn[0]).to.not.deep.equal(drawn[1]);
  });

  it("puts tickets that read the same on the same side", () => {
    for (const text of texts.slice(0, 200)) {
      const [one, other] = [`${text} 17`, `${text.toUpperCase()} 99`];
      expect(isHeldOut(one, { seed: 1, percent: 30 })).to.equal(isHeldOut(other, { seed: 1, percent: 30 }));
    }
  });
});
