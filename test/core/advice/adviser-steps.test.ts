import { expect } from "chai";
import { Adviser, type AdviserDeps } from "../../../core/advice/adviser.ts";
import { SUMMARY_LETTERS_MAX } from "../../../core/advice/answer.ts";
import type { Budgets, Spender } from "../../../core/advice/budget.ts";
import { byOf, type Link } from "../../../core/advice/chain.ts";
import { change } from "../support/changes.ts";
import {
  type Asking,
  COST,
  fault,
  MODEL,
  openAsking,
  type Play,
  questionFor,
  scripted,
  stepQuestion,
} from "./asking.ts";

const CHANGE = change({}, { title: "Swap the core switch", description: "At noon; Zanzibar" });
const MAIN = byOf("main", MODEL);
const spenderOf = (step: Spender["step"]): Spender => ({ step, connection: "snow", team: "" });
const assessed = (factors: unknown, rationale = "Zanzibar"): string => JSON.stringify({ factors, rationale });

interface Stage {
  adviser: Adviser;
  asking: Asking;
  calls(): number;
  entries(): Promise<Record<string, unknown>[]>;
}

/** An adviser whose model is asked about changes and for summaries, and never for a classification. */
async function staged(
  play: Play,
  test: (stage: Stage) => Promise<void>,
  { budgets = {}, before = [] }: { budgets?: Partial<Budgets>; before?: Link[] } = {},
): Promise<void> {
  const asking = await openAsking({ budgets });
  const provider = scripted(play);
  const chain: Link[] = [...before, { kind: "model", member: asking.member(provider) }, { kind: "person" }];
  const consulted = (step: "assess_change" | "summarise_for_approver"): NonNullable<AdviserDeps["assess"]> => ({
    chain,
    questionAbout: (ticket) => stepQuestion(step, ticket),
  });
  const adviser = new Adviser({
    models: asking.models(),
    ...{ chain: [], questionAbout: questionFor, bounds: { boundOf: () => null }, settlesBp: 500 },
    ...{ securityCategories: new Set<string>(), auditBp: 0, auditSeed: "seed", textOf: ({ title }) => title },
    assess: consulted("assess_change"),
    summarise: consulted("summarise_for_approver"),
  });
  const entries = async () =>
    (await asking.rig.store.entries(0, 20)).map(({ body }) => JSON.parse(body) as Record<string, unknown>); // our own entries
  try {
    await test({ adviser, asking, calls: () => provider.requests.length, entries });
  } finally {
    await asking.close();
  }
}

describe("a model that is asked about a change", () => {
  const spender = spenderOf("assess_change");

  it("names risk factors of the closed list, each once and in its order", async () => {
    await staged(
      () => assessed(["peak_hours", "No_Backout", "peak_hours"]),
      async ({ adviser }) => {
        const { fact } = await adviser.assess(CHANGE, spender);
        expect(fact).to.deep.equal({ factors: ["no_backout", "peak_hours"], by: MAIN });
      },
    );
  });

  it("is asked once about the same words, whoever asks, and its own words are kept nowhere", async () => {
    await staged(
      () => assessed(["no_backout"]),
      async ({ adviser, asking, calls, entries }) => {
        const first = await adviser.assess(CHANGE, spender);
        expect((await adviser.assess({ ...CHANGE, revision: "99" }, spender)).fact).to.deep.equal(first.fact);
        expect(calls()).to.equal(1);
        const [call] = await entries();
        expect(call).to.deep.include({ step: "assess_change", costMicros: COST, labels: {} });
        expect(first.entry?.body).to.deep.include({
          ...{ step: "assess_change", costMicros: 0, promptVersion: "assess-change-1" },
          labels: { risk_factors: { label: "no_backout", by: MAIN, boundBp: null } },
        });
        if (first.entry) await asking.rig.store.append([first.entry]);
        const all = JSON.stringify([await asking.rig.dump(), asking.log.lines, first, asking.counted]);
        expect(all).to.contain("no_backout").and.not.contain("Zanzibar");
      },
    );
  });

  it("answers nothing where its answer is none of the choices, fails, or costs too much, and says why on the ledger", async () => {
    const outcomes: readonly (readonly [string, Play, Partial<Budgets>])[] = [
      ["unknown_label", () => assessed(["the_end_of_days"]), {}],
      ["invalid", () => assessed("no_backout"), {}],
      ["unavailable", () => fault(), {}],
      ["refused", () => ({ stop: "refused" }), {}],
      ["over_budget", () => assessed(["no_backout"]), { steps: { assess_change: { day: 1 } } }],
    ];
    for (const [outcome, play, budgets] of outcomes)
      await staged(
        play,
        async ({ adviser }) => {
          const { fact, entry } = await adviser.assess(CHANGE, spender);
          expect(fact, outcome).to.equal(null);
          expect(entry?.body, outcome).to.have.nested.property("tried[0].outcome", outcome);
          expect(entry?.body).to.deep.include({ labels: {} });
        },
        { budgets },
      );
  });

  it("is the next of the chain where the one before has no answer, and none behind a person", async () => {
    await staged(
      (_, call) => (call === 1 ? fault() : assessed([])),
      async ({ adviser, calls }) => {
        expect((await adviser.assess(CHANGE, spender)).fact).to.equal(null);
        expect((await adviser.assess(CHANGE, spender)).fact).to.deep.equal({ factors: [], by: MAIN });
        expect(calls()).to.equal(2);
      },
    );
    await staged(
      () => assessed(["no_backout"]),
      async ({ adviser, calls }) => {
        expect((await adviser.assess(CHANGE, spender)).fact).to.equal(null);
        expect(calls()).to.equal(0);
      },
      { before: [{ kind: "person" }] },
    );
  });

  it("is nobody where no chain names one, and nothing is told of it", async () => {
    await staged(
      () => assessed([]),
      async ({ asking }) => {
        const adviser = new Adviser({
          models: asking.models(),
          ...{ chain: [], questionAbout: questionFor, bounds: { boundOf: () => null }, settlesBp: 500 },
          ...{ securityCategories: new Set<string>(), auditBp: 0, auditSeed: "seed", textOf: () => "" },
        });
        expect(await adviser.assess(CHANGE, spender)).to.deep.equal({ fact: null });
        expect(await adviser.summarise(CHANGE, spender)).to.deep.equal({});
      },
    );
  });
});

describe("a model that sums a ticket up for approvers", () => {
  const spender = spenderOf("summarise_for_approver");

  it("says it in its own words, which are cut to their length and kept nowhere", async () => {
    await staged(
      () => JSON.stringify({ summary: `Zanzibar ${"and on ".repeat(200)}` }),
      async ({ adviser, asking, calls }) => {
        const { words = "", entry } = await adviser.summarise(CHANGE, spender);
        expect(words).to.contain("Zanzibar and on");
        expect([...words].length).to.be.at.most(SUMMARY_LETTERS_MAX);
        if (entry) await asking.rig.store.append([entry]);
        expect(entry?.body).to.deep.include({ step: "summarise_for_approver", labels: {} });
        expect(JSON.stringify([await asking.rig.dump(), asking.log.lines])).not.to.contain("Zanzibar");
        // What is not kept is asked for again.
        await adviser.summarise(CHANGE, spender);
        expect(calls()).to.equal(2);
      },
    );
  });

  it("says nothing where it fails", async () => {
    await staged(
      () => fault(),
      async ({ adviser }) => {
        const { words, entry } = await adviser.summarise(CHANGE, spender);
        expect(words).to.equal(undefined);
        expect(entry?.body).to.have.nested.property("tried[0].outcome", "unavailable");
      },
    );
  });
});
