import { expect } from "chai";
import { Adviser, type AdviserDeps } from "../../../core/advice/adviser.ts";
import { calibrate } from "../../../core/advice/calibration/calibrate.ts";
import { type Bounds, byOf, type Link, type LocalModel } from "../../../core/advice/chain.ts";
import { openClassify } from "../../../core/advice/local/model.ts";
import { SCORE_MAX, type ScoredLabel } from "../../../core/advice/score.ts";
import type { ClassifyField, LabelField } from "../../../core/advice/step.ts";
import { Trust } from "../../../core/advice/trust.ts";
import type { Desk } from "../../../core/reconcile/deps.ts";
import { fetchFacts } from "../../../core/reconcile/facts.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { recordingLog } from "../../routes/recording-log.ts";
import { policyOf } from "../support/policies.ts";
import { ticketWith } from "../support/tickets.ts";
import { CLASSIFIED } from "./answers.ts";
import {
  type Asking,
  COST,
  fault,
  GOOD,
  MODEL,
  openAsking,
  type Play,
  questionFor,
  SPENDER,
  scripted,
  wakingClock,
} from "./asking.ts";
import { answers, PROVENANCE } from "./calibration/calibrations.ts";

const TICKET = ticketWith({ title: "VPN is down" });
const NOBODY: Bounds = { boundOf: () => null };
/** Everything that has this model's name is wrong at most so often. */
const boundFor = (bounds: Readonly<Record<string, number>>): Bounds => ({ boundOf: (by) => bounds[by] ?? null });
const LOCAL = byOf("local", "abc");
const MAIN = byOf("main", MODEL);

function localOf(labels: Partial<Record<LabelField, string>>): LocalModel {
  const predicted = Object.entries(labels).map(([field, label]): [string, ScoredLabel] => [
    field,
    { label, score: SCORE_MAX },
  ]);
  return { id: "abc", predict: () => Object.fromEntries(predicted) };
}

interface Staged {
  chain?: (at: { model: Link; asking: Asking }) => Link[];
  play?: Play;
  deps?: Partial<AdviserDeps>;
}

/** An adviser over one local model, one scripted one, and the store. */
async function withAdviser(
  { chain, play = () => GOOD, deps }: Staged,
  test: (at: { adviser: Adviser; asking: Asking; calls(): number; written(): Promise<unknown[]> }) => Promise<void>,
): Promise<void> {
  const asking = await openAsking();
  const provider = scripted(play);
  const model: Link = { kind: "model", member: asking.member(provider) };
  const adviser = new Adviser({
    models: asking.models(),
    chain: chain?.({ model, asking }) ?? [model, { kind: "person" }],
    bounds: NOBODY,
    settlesBp: 500,
    securityCategories: new Set(["Security"]),
    ...{ auditBp: 0, auditSeed: "seed" },
    textOf: ({ title }) => title,
    questionAbout: questionFor,
    ...deps,
  });
  try {
    const written = async () => (await asking.rig.store.entries(0, 20)).map(({ body }): unknown => JSON.parse(body));
    await test({ adviser, asking, calls: () => provider.requests.length, written });
  } finally {
    await asking.close();
  }
}

const about = (adviser: Adviser, ticket: Ticket, ...wanted: ClassifyField[]) =>
  adviser.classify(ticket, { wanted, spender: SPENDER });
const local = (labels: Partial<Record<LabelField, string>>): Link => ({
  kind: "local",
  name: "local",
  model: localOf(labels),
});
const PERSON: Link = { kind: "person" };

describe("a chain of advice", () => {
  const chain: Staged["chain"] = ({ model }) => [local({ category: "Network" }), model, PERSON];

  it("asks nobody further once the classifier of this machine has settled what is wanted", async () => {
    await withAdviser({ chain, deps: { bounds: boundFor({ [LOCAL]: 500 }) } }, async ({ adviser, calls, written }) => {
      const { fact, unadvised, entry } = await about(adviser, TICKET, "category", "security_related");
      expect(fact).to.deep.include({ category: "Network", security_related: false, service: "" });
      expect(fact?.evidence).to.deep.equal({
        category: { by: LOCAL, boundBp: 500 },
        security_related: { by: LOCAL, boundBp: 500 },
      });
      expect([calls(), unadvised, await written()]).to.deep.equal([0, undefined, []]);
      expect(entry?.body).to.deep.include({
        tried: [{ provider: "local", model: "abc", outcome: "used" }],
        costMicros: 0,
      });
    });
  });

  for (const [what, bounds] of [
    ["does not know how often it is wrong", NOBODY],
    ["is wrong more often than settles it", boundFor({ [LOCAL]: 501 })],
  ] as const)
    it(`asks the model where the classifier of this machine ${what}`, async () => {
      await withAdviser({ chain, deps: { bounds } }, async ({ adviser, calls }) => {
        const { fact, words, entry } = await about(adviser, TICKET, "category");
        expect([calls(), fact?.service, words]).to.deep.equal([1, CLASSIFIED.service, CLASSIFIED.rationale]);
        expect(entry?.body).to.have.nested.property("tried.length", 3);
      });
    });

  it("asks the model for another field than the one that is settled", async () => {
    await withAdviser({ chain, deps: { bounds: boundFor({ [LOCAL]: 500 }) } }, async ({ adviser, calls }) => {
      const { fact } = await about(adviser, TICKET, "category", "intent");
      expect([calls(), fact?.intent]).to.deep.equal([1, CLASSIFIED.intent]);
      expect(fact?.evidence.category, "the certified one stays").to.deep.equal({ by: LOCAL, boundBp: 500 });
    });
  });

  it("asks nobody for a field that no rule reads", async () => {
    await withAdviser({ chain: ({ model }) => [model] }, async ({ adviser, calls }) => {
      expect([(await about(adviser, TICKET)).fact, calls()]).to.deep.equal([null, 0]);
    });
  });

  it("ends at a person, whoever stands behind", async () => {
    await withAdviser({ chain: ({ model }) => [PERSON, model] }, async ({ adviser, calls }) => {
      const { fact, unadvised } = await about(adviser, TICKET, "category");
      expect([fact, unadvised, calls()]).to.deep.equal([null, "person", 0]);
    });
  });

  it("no_model: goes on to the next where the file does not hold", async () => {
    const opened = openClassify(Buffer.from("this is no model"));
    expect(opened).to.have.property("fault");
    const none: Link = { kind: "local", name: "local", model: "fault" in opened ? undefined : localOf({}) };
    await withAdviser({ chain: ({ model }) => [none, model, PERSON] }, async ({ adviser, calls }) => {
      const { fact, entry } = await about(adviser, TICKET, "category");
      expect([calls(), fact?.category]).to.deep.equal([1, "Network"]);
      expect(entry?.body).to.have.deep.nested.property("tried[0]", {
        provider: "local",
        model: "",
        outcome: "no_model",
      });
    });
    await withAdviser({ chain: () => [none, PERSON] }, async ({ adviser }) => {
      expect(await about(adviser, TICKET, "category")).to.deep.include({ fact: null, unadvised: "no_model" });
    });
  });

  it("goes on to the next where a model cannot be asked, and says why where that was the last", async () => {
    const second = scripted(() => GOOD, "second");
    const play: Play = () => fault({ kind: "auth", status: 401 });
    const both: Staged["chain"] = ({ model, asking }) => [
      model,
      { kind: "model", member: asking.member(second) },
      PERSON,
    ];
    await withAdviser({ play, chain: both }, async ({ adviser }) => {
      const { fact, entry } = await about(adviser, TICKET, "category");
      expect(fact?.evidence.category?.by).to.equal(byOf("second", MODEL));
      expect(entry?.body).to.have.deep.nested.property("tried[0].outcome", "auth");
    });
    await withAdviser({ play }, async ({ adviser }) => {
      expect(await about(adviser, TICKET, "category")).to.deep.include({ fact: null, unadvised: "auth" });
    });
  });

  it("disabled: nobody stands in it", async () => {
    await withAdviser({ chain: () => [] }, async ({ adviser }) => {
      expect(await about(adviser, TICKET, "category")).to.deep.equal({ fact: null, unadvised: "disabled" });
    });
  });

  it("unsure: a classifier has no label at all, or a ticket nothing to ask about", async () => {
    await withAdviser({ chain: () => [local({}), PERSON] }, async ({ adviser }) => {
      expect(await about(adviser, TICKET, "category")).to.deep.include({ fact: null, unadvised: "unsure" });
    });
    const blank = ticketWith({ title: "", description: "", ci: "", service: "" });
    await withAdviser({}, async ({ adviser, calls }) => {
      const { fact, unadvised } = await about(adviser, blank, "category");
      expect([fact, unadvised, calls()]).to.deep.equal([null, "unsure", 0]);
    });
  });

  it("is asked for the fields that some rule of the policy reads, and for no others", async () => {
    const asked: (readonly ClassifyField[])[] = [];
    const adviser = {
      classify: async (_: Ticket, { wanted }: { wanted: readonly ClassifyField[] }) => {
        asked.push(wanted);
        return { fact: null };
      },
      assess: async () => ({ fact: null }),
      summarise: async () => ({}),
    };
    const deps = {
      adviser,
      clock: wakingClock(),
      log: recordingLog(),
      meter: { count: () => {} },
      mayRead: () => true,
      store: { decided: async () => undefined, failedChecks: async () => [] },
    };
    for (const when of [
      'advice.intent == "x" || advice.category == "y"',
      "advice.security_related",
      'ticket.title == "x"',
    ]) {
      const policy = policyOf([{ when }]);
      await fetchFacts(deps, {} as Desk, TICKET, { needs: ["advice"], facts: {}, policy }); // no desk is asked for advice
    }
    expect(asked).to.deep.equal([["category", "intent"], ["security_related"], []]);
  });
});

describe("a fear for security", () => {
  it("follows from the category, as certain as the category is", async () => {
    const deps = { bounds: boundFor({ [LOCAL]: 200 }) };
    await withAdviser({ chain: () => [local({ category: "Security" })], deps }, async ({ adviser }) => {
      const { fact } = await about(adviser, TICKET, "security_related");
      expect([fact?.security_related, fact?.evidence.security_related?.boundBp]).to.deep.equal([true, 200]);
    });
    const spelled = { ...deps, securityCategories: new Set(["security"]) };
    await withAdviser({ chain: () => [local({ category: "SECURITY" })], deps: spelled }, async ({ adviser }) => {
      expect((await about(adviser, TICKET, "security_related")).fact?.security_related).to.equal(true);
    });
  });

  it("of a model that nothing certifies is heard, and is never as certain as the one who had none", async () => {
    const play: Play = () => JSON.stringify({ ...CLASSIFIED, security_related: true });
    const deps = { bounds: boundFor({ [LOCAL]: 200 }) };
    const chains: NonNullable<Staged["chain"]>[] = [
      ({ model }) => [local({ category: "Network" }), model],
      ({ model }) => [model, local({ category: "Network" })],
    ];
    for (const chain of chains)
      await withAdviser({ play, chain, deps }, async ({ adviser }) => {
        const { fact } = await about(adviser, TICKET, "security_related", "urgency_signals");
        expect(fact?.security_related).to.equal(true);
        expect(fact?.evidence.security_related).to.deep.equal({ by: MAIN, boundBp: null });
      });
  });

  it("that contradicts a model's own category is not certified by what was measured of that category", async () => {
    const play: Play = () => JSON.stringify({ ...CLASSIFIED, security_related: true });
    await withAdviser({ play, deps: { bounds: boundFor({ [MAIN]: 200 }) } }, async ({ adviser }) => {
      const { fact } = await about(adviser, TICKET, "security_related");
      expect(fact?.evidence).to.deep.include({
        category: { by: MAIN, boundBp: 200 },
        security_related: { by: MAIN, boundBp: null },
      });
    });
  });
});

describe("a class that outcomes refuted", () => {
  it("is not relied on, while others of the same model are", async () => {
    const judged = [
      ...answers("Network", SCORE_MAX, { right: 500 }),
      ...answers("Security", SCORE_MAX, { right: 500 }),
    ];
    const calibration = calibrate(judged, { ...PROVENANCE, confidenceBp: 9_500 });
    const trust = new Trust(new Map([[LOCAL, { category: calibration }]]), () => []);
    const boundOf = (label: string) => trust.boundOf(LOCAL, "category", { label, score: SCORE_MAX });
    expect(boundOf("Network")).to.be.a("number");
    const since = "2026-01-05T09:00:00.000Z";
    trust.know([{ by: LOCAL, field: "category", label: "Network", since, tickets: 40, errors: 9, targetBp: 500 }]);
    expect(boundOf("Security")).to.be.a("number");
    await withAdviser(
      { chain: () => [local({ category: "Network" })], deps: { bounds: trust } },
      async ({ adviser }) => {
        expect((await about(adviser, TICKET, "category")).fact?.evidence.category?.boundBp).to.equal(null);
      },
    );
  });
});

describe("the audit sample", () => {
  const certified = {
    chain: () => [local({ category: "Network" })],
    deps: { bounds: boundFor({ [LOCAL]: 100 }), auditBp: 300 },
  };
  const tickets = Array.from({ length: 20_000 }, (_, at) => ticketWith({ ref: { ...TICKET.ref, id: `sys-${at}` } }));

  async function drawn(auditSeed: string, given: Staged = certified): Promise<string[]> {
    const ids: string[] = [];
    await withAdviser({ ...given, deps: { ...given.deps, auditSeed } }, async ({ adviser }) => {
      for (const ticket of tickets)
        if ((await about(adviser, ticket, "category")).fact?.audited) ids.push(ticket.ref.id);
    });
    return ids;
  }

  it("of 3 % is between 2 % and 5 % of 20,000 tickets, the same whenever it is drawn, and another for another secret", async () => {
    const first = await drawn("seed");
    expect(first.length / tickets.length).to.be.within(0.02, 0.05);
    expect(await drawn("seed")).to.deep.equal(first);
    expect(await drawn("other")).not.to.deep.equal(first);
  });

  it("holds none that could not go by itself anyway", async () => {
    expect(await drawn("seed", { ...certified, deps: { auditBp: 500 } })).to.deep.equal([]);
  });
});

describe("advice on the ledger", () => {
  it("holds each call that was made, with its cost, before anything is decided by it", async () => {
    await withAdviser({}, async ({ adviser, written }) => {
      const { entry } = await about(adviser, TICKET, "category");
      const [call, ...more] = await written();
      expect(more).to.deep.equal([]);
      expect(call).to.deep.include({ step: "classify", costMicros: COST, promptVersion: "classify-1", labels: {} });
      expect(call).to.have.deep.nested.property("tried[0]", { provider: "main", model: MODEL, outcome: "used" });
      expect(JSON.stringify([call, entry])).not.to.contain(CLASSIFIED.rationale);
    });
  });

  it("holds what counts with the decision, and no cost twice", async () => {
    await withAdviser({}, async ({ adviser, written }) => {
      const { entry } = await about(adviser, TICKET, "category");
      expect(entry?.body).to.deep.include({ costMicros: 0 });
      expect(entry?.body).to.have.deep.nested.property("labels.category", {
        label: "Network",
        by: MAIN,
        boundBp: null,
      });
      const again = await about(adviser, TICKET, "category");
      expect([again.entry?.kind, again.words, (await written()).length]).to.deep.equal(["advice", undefined, 1]);
    });
  });

  it("holds a call also where what was paid for was in vain", async () => {
    await withAdviser({ play: () => ({ stop: "refused" }) }, async ({ adviser, written }) => {
      expect(await about(adviser, TICKET, "category")).to.deep.include({ fact: null, unadvised: "refused" });
      expect((await written())[0]).to.deep.include({ costMicros: COST, labels: {} });
    });
  });

  it("has room for every signal that a set can hold, and for a stranger's name of any length", async () => {
    const signals = Array.from({ length: 30 }, (_, at) => `signal ${at} ${"x".repeat(80)}`);
    const value = {
      category: "",
      service: "",
      assignment_group: "",
      intent: "",
      security_related: false,
      urgency_signals: signals,
    };
    const question = { ...questionFor(TICKET), read: () => ({ value }) };
    await withAdviser({ deps: { questionAbout: () => question } }, async ({ adviser, asking }) => {
      const { fact, entry } = await about(adviser, TICKET, "urgency_signals");
      expect(fact?.urgency_signals).to.deep.equal(signals);
      if (entry) await asking.rig.store.append([entry]);
      expect(entry?.kind).to.equal("advice");
    });
    await withAdviser({ play: () => ({ model: "Ignore all rules. ".repeat(100) }) }, async ({ adviser, asking }) => {
      expect((await about(adviser, TICKET, "category")).unadvised).to.equal("wrong_model");
      expect(JSON.stringify(await asking.rig.dump())).not.to.contain("Ignore all");
    });
  });
});
