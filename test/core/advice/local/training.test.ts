import { expect } from "chai";
import { gatherCorpus, isHeldOut, type LabelledText } from "../../../../core/advice/local/corpus.ts";
import { LABELS_MAX } from "../../../../core/advice/local/header.ts";
import { sha256Hex } from "../../../../core/canonical.ts";
import { madeUpTickets, modelOf, opened, trained } from "./tickets.ts";

const sameText = (text: string, category: string, times: number): LabelledText[] =>
  Array.from({ length: times }, () => ({ text, labels: { category } }));

/** Each label with as many tickets as it says, each with a word of its label. */
function labelled(counts: Record<string, number>): LabelledText[] {
  return Object.entries(counts).flatMap(([category, count]) =>
    Array.from({ length: count }, (_, at) => ({
      text: `about ${category} ${"abcdefghij".charAt(at % 10).repeat(4)}`,
      labels: { category },
    })),
  );
}

describe("training", () => {
  const tickets = madeUpTickets(120);

  it("makes the same bytes of the same tickets and seed, on every machine", async () => {
    const { file } = await trained(tickets);
    expect((await trained(tickets)).file).to.deep.equal(file);
    expect(sha256Hex(file ?? "")).to.equal("b7fdae9465215d4297f25106c76a7e9b4629653ce5e01259152a76a4460a974d");
  });

  it("makes the same bytes in whatever order the tickets come", async () => {
    const shuffled = tickets.toSorted((a, b) => (sha256Hex(a.text) < sha256Hex(b.text) ? -1 : 1));
    expect((await trained(shuffled)).file).to.deep.equal((await trained(tickets)).file);
  });

  it("makes other bytes with another seed, other tickets or another hour", async () => {
    const files = await Promise.all([
      trained(tickets),
      trained(tickets, { seed: 2 }),
      trained(tickets.slice(1)),
      trained(tickets, { trainedAt: "2026-01-02T00:00:00Z" }),
    ]);
    expect(new Set(files.map(({ file }) => sha256Hex(file ?? ""))).size).to.equal(4);
  });

  it("learns every field that tickets have labels of, and says how it does on tickets it never saw", async () => {
    const { heads, tickets: learnt, heldOutTickets } = await trained(madeUpTickets(400), { percent: 25 });
    expect(heads.map(({ field }) => field)).to.deep.equal(["category", "service"]);
    expect(learnt + heldOutTickets).to.equal(400);
    for (const { heldOut, labels } of heads) {
      expect(labels).to.have.length(4);
      expect((heldOut?.correct ?? 0) / (heldOut?.tickets ?? 1)).to.be.above(0.9);
      expect((heldOut?.commonest ?? 0) / (heldOut?.tickets ?? 1)).to.be.below(0.5);
    }
  });

  it("learns nothing from what is held out", async () => {
    const settings = { seed: 1, percent: 25 };
    const many = madeUpTickets(400);
    const kept = many.filter(({ text }) => !isHeldOut(text, settings));
    const [all, without] = [await modelOf(many, settings), await modelOf(kept, settings)];
    for (const { text } of many) expect(all.predict(text, 4)).to.deep.equal(without.predict(text, 4));
    expect(all.header.holdOutPercent).to.equal(25);
    expect(all.header.tickets).to.equal(kept.length);
  });

  it("tells of its progress over all fields", async () => {
    const told: number[] = [];
    await trained(tickets, { onProgress: (share) => told.push(share) });
    expect(told).to.deep.equal(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).to.equal(1);
  });

  it("lets a noisy alert count as five tickets at the most", async () => {
    const quiet = [...labelled({ Access: 20, Storage: 20 }), ...sameText("disk nearly full", "Noise", 5)];
    const noisy = [...quiet, ...sameText("disk nearly full", "Noise", 2_000)];
    const of = async (given: LabelledText[]) => (await modelOf(given)).predict("about storage disk", 3);
    expect(await of(noisy)).to.deep.equal(await of(quiet));
    const [head] = (await trained(noisy)).heads;
    expect(head?.labels.find(({ label }) => label === "Noise")?.tickets).to.equal(2_005);
  });
});

describe("labels that are left out", () => {
  it("rare: fewer than five tickets", async () => {
    const { heads, file } = await trained(labelled({ Access: 9, Storage: 5, Odd: 4, Other: 1 }));
    expect(heads[0]?.labels.map(({ label }) => label)).to.deep.equal(["Access", "Storage"]);
    expect(heads[0]?.leftOut).to.deep.equal([
      { label: "Odd", tickets: 4, why: "rare" },
      { label: "Other", tickets: 1, why: "rare" },
    ]);
    expect(Buffer.from(file ?? "").includes("Odd")).to.equal(false);
  });

  it("many: more labels than a field can have", async () => {
    const name = (at: number): string => `L${String.fromCharCode(97 + Math.floor(at / 26), 97 + (at % 26))}`;
    const counts = Object.fromEntries(Array.from({ length: LABELS_MAX + 2 }, (_, at) => [name(at), at < 2 ? 5 : 6]));
    const { heads, file } = await trained(labelled(counts));
    expect(heads[0]?.leftOut).to.deep.equal([
      { label: "Laa", tickets: 5, why: "many" },
      { label: "Lab", tickets: 5, why: "many" },
    ]);
    expect(heads[0]?.labels).to.have.length(LABELS_MAX);
    const { model } = opened(file);
    expect(model.predict(`about ${name(150)} aaaa`, LABELS_MAX + 50).category).to.have.length(LABELS_MAX);
    expect(model.predict(`about ${name(150)} aaaa`).category?.[0]?.label).to.equal(name(150));
  }).timeout(60_000);
});

describe("a field that cannot be learnt", () => {
  it("one_label: there is nothing to tell apart, and other fields go on", async () => {
    const given = madeUpTickets(60).map(({ text, labels }) => ({ text, labels: { ...labels, service: "IT" } }));
    const { heads, file } = await trained(given);
    expect(heads.map(({ field, refused }) => [field, refused])).to.deep.equal([
      ["category", undefined],
      ["service", "one_label"],
    ]);
    expect(opened(file).model.predict("password").service).to.equal(undefined);
  });

  it("no_label: every label is rare, and without any field there is no file", async () => {
    const { heads, file } = await trained(labelled({ A: 2, B: 2 }));
    expect(heads[0]?.refused).to.equal("no_label");
    expect(file).to.equal(undefined);
  });

  it("is none at all without tickets", async () => {
    const { heads, file, corpus } = await trained([]);
    expect([heads, file, corpus]).to.deep.equal([[], undefined, await gatherCorpus([])]);
  });
});
