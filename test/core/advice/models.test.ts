import { expect } from "chai";
import type { Asked, Labelled } from "../../../core/advice/models.ts";
import { worstCaseMicros } from "../../../core/advice/money.ts";
import type { Unanswered } from "../../../core/advice/step.ts";
import { CLASSIFIED } from "./answers.ts";
import {
  type Asking,
  type AskingOptions,
  COST,
  fault,
  GOOD,
  MODEL,
  openAsking,
  type Play,
  PRICES,
  questionOf,
  SPENDER,
  scripted,
  TIMEOUT_MS,
  untilAsleep,
} from "./asking.ts";

const WANTED = { spender: SPENDER, priority: 3, ticket: "snow/incident/1" };
const { rationale: RATIONALE, ...LABELS } = { ...CLASSIFIED, assignment_group: "" };
const WORST = worstOf(questionOf());
/** Never comes to an end by itself. */
const HANGING = (): Promise<never> => new Promise(() => {});

function worstOf(question: ReturnType<typeof questionOf>): number {
  const { system, prompt } = question.words();
  const bytes = Buffer.byteLength(system + prompt + JSON.stringify(question.schema));
  return worstCaseMicros(bytes, question.outputTokensMax, PRICES);
}

/** Plays with one gateway over one scripted model, and takes it down again. */
async function withModel(
  play: Play,
  test: (at: Asking & { ask(title?: string): Promise<Asked<Labelled>>; calls(): number }) => Promise<void>,
  options: AskingOptions = {},
): Promise<void> {
  const asking = await openAsking(options);
  const provider = scripted(play);
  const [models, member] = [asking.models(), asking.member(provider)];
  try {
    const ask = (title?: string) => models.ask(member, questionOf(title), WANTED);
    await test({ ...asking, ask, calls: () => provider.requests.length });
  } finally {
    await asking.close();
  }
}

/** Two letters for a number below 100, so that every question has the same length. */
function letters(at: number): string {
  return String.fromCharCode(97 + Math.floor(at / 10), 97 + (at % 10));
}

function answered(change: Record<string, unknown>): string {
  return JSON.stringify({ ...CLASSIFIED, ...change });
}

describe("a question to a model", () => {
  it("is answered with members of the sets, and its words go to nobody but the caller", async () => {
    await withModel(
      () => GOOD,
      async ({ ask, rig, counted }) => {
        expect(await ask()).to.deep.equal({
          ...{ provider: "main", model: MODEL, costMicros: COST, called: true },
          ...{ outcome: { value: LABELS }, rationale: RATIONALE },
        });
        expect(JSON.stringify(await rig.dump())).not.to.contain(RATIONALE);
        expect(counted).to.include("interlock_advice_total main classify used");
      },
    );
  });

  it("is put to the model with its schema, the prompt's two parts and the limit of the answer, and no more", async () => {
    const provider = scripted(() => GOOD);
    const asking = await openAsking();
    await asking.models().ask(asking.member(provider), questionOf(), WANTED);
    await asking.close();
    const keys = Object.keys(provider.requests[0] ?? {}).sort();
    expect(keys).to.deep.equal(["outputTokensMax", "prompt", "schema", "schemaName", "signal", "system"]);
  });
});

describe("a question that has no answer", () => {
  interface Case {
    reason: Unanswered;
    what: string;
    play: Play;
    /** Calls that it takes, and whether the end is kept so that nobody pays for it again. */
    calls: number;
    kept: boolean;
    micros: number;
  }
  const nested = `${'{"a":'.repeat(200)}1${"}".repeat(200)}`;
  const twice = { calls: 2, kept: true, micros: 2 * COST };
  const once = { calls: 1, kept: true, micros: COST };
  const free = { calls: 1, kept: false, micros: 0 };
  const charged = { calls: 1, kept: false, micros: WORST };
  const cases: Case[] = [
    {
      reason: "unknown_label",
      what: "a label outside of the set",
      play: () => answered({ category: "Pwned" }),
      ...twice,
    },
    {
      reason: "unknown_label",
      what: "one signal outside of the set",
      play: () => answered({ urgency_signals: ["outage", "x"] }),
      ...twice,
    },
    { reason: "invalid", what: "extra keys", play: () => answered({ assign_to: "CEO" }), ...twice },
    { reason: "invalid", what: "a key too few", play: () => JSON.stringify({ category: "Network" }), ...twice },
    { reason: "invalid", what: "JSON that ends in the middle", play: () => GOOD.slice(0, 40), ...twice },
    { reason: "invalid", what: "JSON in JSON", play: () => JSON.stringify(GOOD), ...twice },
    { reason: "invalid", what: "200 levels of objects", play: () => nested, ...twice },
    { reason: "invalid", what: "a megabyte", play: () => answered({ rationale: "x".repeat(1_000_000) }), ...twice },
    { reason: "invalid", what: "an end of another kind", play: () => ({ stop: "other" }), ...twice },
    { reason: "empty", what: "no text", play: () => " \n", ...twice },
    { reason: "refused", what: "a refusal", play: () => ({ stop: "refused", text: "I will not." }), ...once },
    { reason: "cut", what: "an answer at its limit", play: () => ({ stop: "cut", text: GOOD.slice(0, 40) }), ...once },
    { reason: "wrong_model", what: "another model", play: () => ({ model: "scripted-2" }), ...once },
    { reason: "wrong_model", what: "no model's name", play: () => ({ model: "" }), ...once },
    {
      reason: "invalid",
      what: "a page with status 200",
      play: () => fault({ kind: "protocol", mayBeCharged: true }),
      ...charged,
    },
    { reason: "rate_limited", what: "429", play: () => fault({ kind: "rate_limited", status: 429 }), ...free },
    { reason: "unavailable", what: "529", play: () => fault({ kind: "unavailable", status: 529 }), ...free },
    { reason: "unavailable", what: "a connection that breaks", play: () => fault({ mayBeCharged: true }), ...charged },
    {
      reason: "timeout",
      what: "the provider's own time-out",
      play: () => fault({ kind: "timeout", mayBeCharged: true }),
      ...charged,
    },
    { reason: "auth", what: "401", play: () => fault({ kind: "auth", status: 401 }), ...free },
    { reason: "rejected", what: "400", play: () => fault({ kind: "rejected", status: 400 }), ...free },
    {
      reason: "invalid",
      what: "a provider that breaks its promise",
      play: () => Promise.reject(new TypeError("x")),
      ...charged,
    },
  ];
  for (const { reason, what, play, calls: made, kept, micros } of cases)
    it(`${reason}: ${what}`, async () => {
      await withModel(play, async ({ ask, calls, rig, spent, counted }) => {
        const asked = await ask();
        expect(asked).to.deep.include({ outcome: { fault: reason }, called: true, costMicros: micros });
        expect([calls(), await spent()]).to.deep.equal([made, { micros, calls: made }]);
        expect(counted).to.include(`interlock_advice_total main classify ${reason}`);
        const { answers } = await rig.dump();
        expect(answers.map(({ outcome }) => outcome)).to.deep.equal(kept ? [JSON.stringify({ fault: reason })] : []);
        // What is kept is not paid for again.
        expect(await ask()).to.deep.include({ outcome: { fault: reason }, costMicros: kept ? 0 : micros });
        expect(calls()).to.equal(kept ? made : 2 * made);
      });
    });

  it("timeout: after 60 s, whatever the provider does, and its call is ended", async () => {
    await withModel(HANGING, async ({ ask, clock, spent, calls }) => {
      const asked = ask();
      await untilAsleep(clock);
      clock.advance(TIMEOUT_MS - 1);
      expect(await Promise.race([asked, Promise.resolve("under way")])).to.equal("under way");
      clock.advance(1);
      expect(await asked).to.deep.include({ outcome: { fault: "timeout" }, costMicros: WORST });
      expect([calls(), await spent()]).to.deep.equal([1, { micros: WORST, calls: 1 }]);
      expect(clock.sleepers).to.equal(0);
    });
    let ended = false;
    const listening: Play = ({ signal }) => {
      signal.addEventListener("abort", () => {
        ended = true;
      });
      return HANGING();
    };
    await withModel(listening, async ({ ask, clock }) => {
      const asked = ask();
      await untilAsleep(clock);
      clock.advance(TIMEOUT_MS);
      await asked;
      expect(ended).to.equal(true);
    });
  });

  it("over_budget: nothing is called, and nothing booked, where the cap is 0", async () => {
    await withModel(
      () => GOOD,
      async ({ ask, calls, rig, log }) => {
        const none = { outcome: { fault: "over_budget" }, called: false, costMicros: 0 };
        expect(await ask()).to.deep.include(none);
        expect([calls(), (await rig.dump()).spend]).to.deep.equal([0, []]);
        expect(log.text()).to.contain("its budget is spent").and.to.contain("2026-01-05");
      },
      { budgets: { day: 0 } },
    );
  });

  for (const [which, budgets] of Object.entries({
    hour: { hour: WORST - 1 },
    step: { steps: { classify: { day: WORST - 1 } } },
    connection: { connections: { snow: { hour: WORST - 1 } } },
  }))
    it(`over_budget: the worst case passes the cap of its ${which} by a micro`, async () => {
      await withModel(
        () => GOOD,
        async ({ ask, calls }) => {
          expect([(await ask()).outcome, calls()]).to.deep.equal([{ fault: "over_budget" }, 0]);
        },
        { budgets },
      );
    });

  it("storm: a ticket that can wait is not asked about, and an urgent one is", async () => {
    const asking = await openAsking({ storm: { questionsPerMinute: 1, keepPriority: 2 } });
    const provider = scripted(() => GOOD);
    const [models, member] = [asking.models(), asking.member(provider)];
    const asked = async (title: string, priority: number) =>
      (await models.ask(member, questionOf(title), { ...WANTED, priority })).outcome;
    expect(await asked("first", 4)).to.have.property("value");
    expect(await asked("second", 3)).to.deep.equal({ fault: "storm" });
    expect(await asked("third", 2)).to.have.property("value");
    expect(await asked("first", 4), "known already").to.have.property("value");
    expect(provider.requests).to.have.length(2);
    await asking.close();
  });

  it("breaker_open: nobody is called, and nothing paid, until its rest is over", async () => {
    await withModel(
      () => fault(),
      async ({ ask, calls, clock, spent }) => {
        for (let tried = 0; tried < 3; tried += 1) await ask();
        expect(await ask()).to.deep.include({ outcome: { fault: "breaker_open" }, called: false });
        expect([calls(), (await spent()).micros]).to.deep.equal([3, 0]);
        clock.advance(60_000);
        expect((await ask()).outcome).to.deep.equal({ fault: "unavailable" });
        expect((await ask()).outcome, "the probe failed").to.deep.equal({ fault: "breaker_open" });
        expect(calls()).to.equal(4);
      },
    );
  });

  it("breaker_open: with Retry-After from the first 429 on, for as long as the provider says", async () => {
    const limited: Play = (_, call) =>
      call === 1 ? fault({ kind: "rate_limited", status: 429, retryAfterMs: 90_000 }) : GOOD;
    await withModel(limited, async ({ ask, calls, clock }) => {
      expect((await ask()).outcome).to.deep.equal({ fault: "rate_limited" });
      clock.advance(89_999);
      expect((await ask()).outcome).to.deep.equal({ fault: "breaker_open" });
      clock.advance(1);
      expect((await ask()).outcome).to.have.property("value");
      expect(calls()).to.equal(2);
    });
  });

  it("breaker_open: half-open, one question is let through, and its answer opens the way for all", async () => {
    let release = (): void => {};
    const probe: Play = (_, call) =>
      call <= 3 ? fault() : call > 4 ? GOOD : new Promise((resolve) => (release = () => resolve(GOOD)));
    await withModel(probe, async ({ ask, calls, clock }) => {
      for (let tried = 0; tried < 3; tried += 1) await ask();
      clock.advance(60_000);
      const first = ask("probe");
      await untilAsleep(clock);
      expect((await ask("another")).outcome).to.deep.equal({ fault: "breaker_open" });
      release();
      expect((await first).outcome).to.have.property("value");
      expect((await ask("another")).outcome).to.have.property("value");
      expect(calls()).to.equal(5);
    });
  });
});

describe("a second try", () => {
  it("is made once, and its answer counts and is paid for with the first", async () => {
    const mended: Play = (_, call) => (call === 1 ? answered({ category: "Pwned" }) : GOOD);
    await withModel(mended, async ({ ask, calls, spent, rig }) => {
      expect(await ask()).to.deep.include({ outcome: { value: LABELS }, costMicros: 2 * COST });
      expect([calls(), await spent()]).to.deep.equal([2, { micros: 2 * COST, calls: 2 }]);
      expect((await rig.dump()).answers).to.have.length(1);
    });
  });

  it("asks with the same words and one more line, without a word of the first answer", async () => {
    const provider = scripted((_, call) => (call === 1 ? answered({ category: "Zanzibar" }) : GOOD));
    const asking = await openAsking();
    await asking.models().ask(asking.member(provider), questionOf(), WANTED);
    await asking.close();
    const [first, second] = provider.requests.map(({ prompt }) => prompt);
    expect(second?.startsWith(`${first}\n`)).to.equal(true);
    expect(second).not.to.contain("Zanzibar");
  });

  it("that could not be made leaves the first one's end, which is not kept", async () => {
    const failing: Play = (_, call) => (call === 2 ? fault() : call === 1 ? "{}" : GOOD);
    await withModel(failing, async ({ ask, rig }) => {
      expect((await ask()).outcome).to.deep.equal({ fault: "invalid" });
      expect((await rig.dump()).answers).to.deep.equal([]);
      expect((await ask()).outcome).to.have.property("value");
    });
  });

  it("that its budget does not allow is not made", async () => {
    await withModel(
      () => "{}",
      async ({ ask, calls, spent }) => {
        expect(await ask()).to.deep.include({ outcome: { fault: "invalid" }, costMicros: COST });
        expect([calls(), (await spent()).micros]).to.deep.equal([1, COST]);
      },
      { budgets: { day: WORST + COST - 1 } },
    );
  });
});

describe("the same question", () => {
  it("of 50 tickets at once is one call, paid for once", async () => {
    await withModel(
      () => GOOD,
      async ({ ask, calls, spent }) => {
        const asked = await Promise.all(Array.from({ length: 50 }, () => ask()));
        expect(asked.map(({ outcome }) => outcome)).to.deep.equal(Array(50).fill({ value: LABELS }));
        expect(asked.reduce((sum, { costMicros }) => sum + costMicros, 0)).to.equal(COST);
        expect(asked.filter(({ called }) => called)).to.have.length(1);
        expect([calls(), await spent()]).to.deep.equal([1, { micros: COST, calls: 1 }]);
      },
    );
  });

  it("after a restart is answered from the store, also where its end was that there is none", async () => {
    for (const text of [GOOD, answered({ category: "Pwned" })]) {
      const asking = await openAsking();
      const provider = scripted(() => text);
      const first = await asking.models().ask(asking.member(provider), questionOf(), WANTED);
      const made = provider.requests.length;
      await asking.rig.reopen();
      const second = await asking.models().ask(asking.member(provider), questionOf(), WANTED);
      expect([second.outcome, second.costMicros, second.called]).to.deep.equal([first.outcome, 0, false]);
      expect(second).not.to.have.property("rationale");
      expect(provider.requests).to.have.length(made);
      await asking.close();
    }
  });

  it("under another name to answer as is another one, so that what was the wrong model can be the right one", async () => {
    const asking = await openAsking();
    const provider = scripted(() => ({ model: "scripted-2" }));
    const ask = (answersAs: string[]) =>
      asking.models().ask(asking.member(provider, { answersAs }), questionOf(), WANTED);
    expect((await ask([])).outcome).to.deep.equal({ fault: "wrong_model" });
    expect((await ask(["scripted-2"])).outcome).to.deep.equal({ value: LABELS });
    await asking.close();
  });
});

describe("money", () => {
  it("is booked with the worst case before the call, and what was not used is given back after it", async () => {
    let release = (): void => {};
    const held: Play = () => new Promise((resolve) => (release = () => resolve(GOOD)));
    await withModel(held, async ({ ask, clock, spent, rig }) => {
      const asked = ask();
      await untilAsleep(clock);
      expect(await spent()).to.deep.equal({ micros: WORST, calls: 0 });
      release();
      await asked;
      expect(await spent()).to.deep.equal({ micros: COST, calls: 1 });
      const scopes = new Set((await rig.dump()).spend.map(({ scope, micros }) => `${scope} ${micros}`));
      expect([...scopes]).to.have.members([`all ${COST}`, `step/classify ${COST}`, `connection/snow ${COST}`]);
    });
  });

  it("stays booked where the process dies between the booking and the answer", async () => {
    await withModel(
      HANGING,
      async ({ ask, clock, rig, spent }) => {
        void ask();
        await untilAsleep(clock);
        await rig.reopen();
        expect(await spent()).to.deep.equal({ micros: WORST, calls: 0 });
      },
      { budgets: { day: WORST } },
    );
  });

  it("passes no cap by a micro when 50 different questions are asked at once: the cap is 7 worst cases, 7 calls are made, 43 tickets go without, 8,400 micros are spent", async () => {
    const held: (() => void)[] = [];
    const asking = await openAsking({ budgets: { day: 7 * WORST } });
    const provider = scripted(() => new Promise((resolve) => held.push(() => resolve(GOOD))));
    const [models, member] = [asking.models(), asking.member(provider)];
    const questions = Array.from({ length: 50 }, (_, at) => questionOf(`VPN is ${letters(at)}`));
    expect(new Set(questions.map(worstOf))).to.deep.equal(new Set([WORST]));
    const all = Promise.all(questions.map((question) => models.ask(member, question, WANTED)));
    await untilAsleep(asking.clock, 7);
    expect(await asking.spent()).to.deep.equal({ micros: 7 * WORST, calls: 0 });
    // One more would be let through by the first that gives its rest back: all others must have been refused by now.
    for (let turn = 0; asking.counted.length < 43; turn += 1) {
      expect(turn).to.be.below(100_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const release of held) release();
    const outcomes = (await all).map(({ outcome }) => ("fault" in outcome ? outcome.fault : "used"));
    expect(outcomes.filter((each) => each === "over_budget")).to.have.length(43);
    expect(provider.requests).to.have.length(7);
    expect(await asking.spent()).to.deep.equal({ micros: 7 * COST, calls: 7 });
    await asking.close();
  });

  it("passes no cap over a whole day of questions, however they come: spent is calls times their cost", async () => {
    const cap = WORST + 9 * COST;
    await withModel(
      () => GOOD,
      async ({ ask, calls, spent }) => {
        for (let round = 0; round < 20; round += 1)
          await Promise.all(Array.from({ length: 5 }, (_, at) => ask(`VPN is ${letters(round * 5 + at)}`)));
        const { micros, calls: booked } = await spent();
        expect([micros, booked]).to.deep.equal([calls() * COST, calls()]);
        expect(micros).to.be.at.most(cap);
        expect(micros + WORST, "what was left did not reach for one more").to.be.above(cap);
      },
      { budgets: { day: cap } },
    );
  });
});

describe("a storm of 500 tickets at once", () => {
  it("costs 60 calls for 497 that can wait, and asks about each of 3 urgent ones", async () => {
    const asking = await openAsking({ storm: { questionsPerMinute: 60, keepPriority: 2 } });
    const provider = scripted(() => GOOD);
    const [models, member] = [asking.models(), asking.member(provider)];
    const asked = await Promise.all(
      Array.from({ length: 500 }, async (_, at) => {
        const priority = [200, 300, 400].includes(at) ? 1 : 4;
        const { outcome } = await models.ask(member, questionOf(`Ticket ${at}`), { ...WANTED, priority });
        return { priority, used: "value" in outcome, fault: "fault" in outcome ? outcome.fault : "" };
      }),
    );
    const urgent = asked.filter(({ priority }) => priority === 1);
    const others = asked.filter(({ priority }) => priority !== 1);
    expect(urgent.map(({ used }) => used)).to.deep.equal([true, true, true]);
    expect(others.filter(({ used }) => used)).to.have.length(60);
    expect(new Set(others.filter(({ used }) => !used).map(({ fault: why }) => why))).to.deep.equal(new Set(["storm"]));
    expect([provider.requests.length, await asking.spent()]).to.deep.equal([63, { micros: 63 * COST, calls: 63 }]);
    await asking.close();
  });

  it("about the same outage costs one call", async () => {
    await withModel(
      () => GOOD,
      async ({ ask, calls }) => {
        await Promise.all(Array.from({ length: 500 }, () => ask("The VPN is down")));
        expect(calls()).to.equal(1);
      },
      { storm: { questionsPerMinute: 60, keepPriority: 2 } },
    );
  });

  it("is over after a minute, by itself", async () => {
    await withModel(
      () => GOOD,
      async ({ ask, clock }) => {
        await ask("one");
        expect((await ask("two")).outcome).to.deep.equal({ fault: "storm" });
        clock.advance(60_000);
        expect((await ask("three")).outcome).to.have.property("value");
      },
      { storm: { questionsPerMinute: 1, keepPriority: 2 } },
    );
  });
});
