import { expect } from "chai";
import type { SpendLine } from "../../core/advice/budget.ts";
import type { AdviceOutcome, Demotion, StoredAnswer } from "../../core/advice/remembered.ts";
import { claimed, decidedSettlement, kinds, present, type Rig, settlement } from "./store-rig.ts";

const ANSWER: StoredAnswer = {
  ...{ digest: "d1", step: "classify", provider: "claude", model: "claude-haiku", promptVersion: "classify-1" },
  outcome: { value: { category: "network", security_related: false, urgency_signals: ["outage"] } },
  costMicros: 1_234,
};

const OUTCOME: AdviceOutcome = {
  ...{ field: "category", label: "network", by: "local:abc", automatic: true, audited: false, targetBp: 500 },
  ...{ final: "network", correct: true },
};

const DEMOTION: Demotion = {
  ...{ by: "local:abc", field: "category", label: "network", since: "2026-01-05T09:00:00.000Z" },
  ...{ tickets: 40, errors: 9, targetBp: 500 },
};

const line = (scope: string, capMicros: number | null, span = "2026-01-05"): SpendLine => ({ scope, span, capMicros });

/** What is booked, never passes a cap, and never by half. */
export function spendCases(rig: Rig): void {
  it("books on every line, gives back what was not used, and counts the call", async () => {
    const { store } = rig();
    const lines = [line("all", 1_000), line("step/classify", null)];
    expect(await store.reserve(lines, 600)).to.deep.equal({ reserved: true });
    await store.settleSpend(lines, { reservedMicros: 600, spentMicros: 250 });
    expect(await store.spent(["2026-01-05"])).to.deep.equal([
      { scope: "all", span: "2026-01-05", micros: 250, calls: 1 },
      { scope: "step/classify", span: "2026-01-05", micros: 250, calls: 1 },
    ]);
    expect(await store.spent(["2026-01-06"])).to.deep.equal([]);
    expect(await store.spent([])).to.deep.equal([]);
  });

  it("books on no line where one of them would pass its cap, and names that one", async () => {
    const { store } = rig();
    const lines = [line("all", 10_000), line("step/classify", 500)];
    expect(await store.reserve(lines, 500)).to.deep.equal({ reserved: true });
    const refused = { reserved: false, scope: "step/classify", span: "2026-01-05" };
    expect(await store.reserve(lines, 1)).to.deep.equal(refused);
    expect((await store.spent(["2026-01-05"])).map(({ micros }) => micros)).to.deep.equal([500, 500]);
  });

  it("books nothing on an account whose cap is nothing", async () => {
    const { store } = rig();
    expect(await store.reserve([line("all", 0)], 1)).to.deep.equal({
      reserved: false,
      scope: "all",
      span: "2026-01-05",
    });
    expect(await store.spent(["2026-01-05"])).to.deep.equal([]);
  });

  it("passes no cap by a micro when 50 book at once", async () => {
    const { store } = rig();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => store.reserve([line("all", 1_000), line("day", null)], 300)),
    );
    expect(answers.filter(({ reserved }) => reserved)).to.have.length(3);
    expect((await store.spent(["2026-01-05"])).map(({ micros }) => micros)).to.deep.equal([900, 900]);
  });

  it("knows what was booked over a restart, also what nobody settled", async () => {
    const { store, reopen } = rig();
    await store.reserve([line("all", 1_000)], 700);
    await reopen();
    expect(await rig().store.reserve([line("all", 1_000)], 301)).to.deep.include({ reserved: false });
  });
}

/** Answers, what they turned out to be, and what follows from it. */
export function answerCases(rig: Rig): void {
  it("keeps the first answer to a question, as it was given", async () => {
    const { store, reopen } = rig();
    expect(await store.answer("d1")).to.equal(undefined);
    await store.keepAnswer(ANSWER);
    await store.keepAnswer({ ...ANSWER, outcome: { fault: "refused" } });
    await reopen();
    expect(await rig().store.answer("d1")).to.deep.equal(ANSWER);
  });

  it("keeps that a question has no answer", async () => {
    const { store } = rig();
    const refused: StoredAnswer = { ...ANSWER, digest: "d2", outcome: { fault: "refused" } };
    await store.keepAnswer(refused);
    expect(await store.answer("d2")).to.deep.equal(refused);
  });

  it("remembers which labels a ticket was given, until they are answered", async () => {
    const { store } = rig();
    const { final: _, correct: __, ...advised } = OUTCOME;
    const first = await claimed(store);
    await store.settle(first, decidedSettlement(first.ticket, { advised: [advised] }));
    const second = await claimed(store);
    expect(present(second.memory).advised).to.deep.equal([advised]);
    await store.settle(second, settlement({ advised: [], outcomes: [OUTCOME] }));
    expect(present((await claimed(store)).memory).advised).to.deep.equal([]);
    expect(await kinds(store)).to.include("outcome");
  });

  it("counts the latest outcomes of one label of one model", async () => {
    const { store } = rig();
    for (const correct of [false, true, true]) {
      const claim = await claimed(store);
      const other: AdviceOutcome = { ...OUTCOME, label: "email", correct: false };
      await store.settle(claim, decidedSettlement(claim.ticket, { outcomes: [{ ...OUTCOME, correct }, other] }));
    }
    const { by, field, label } = OUTCOME;
    expect(await store.tally({ by, field, label }, 10)).to.deep.equal({ tickets: 3, errors: 1 });
    expect(await store.tally({ by, field, label }, 2)).to.deep.equal({ tickets: 2, errors: 0 });
    expect(await store.tally({ by: "another", field, label }, 10)).to.deep.equal({ tickets: 0, errors: 0 });
    const { now } = rig();
    expect(await store.tally({ by, field, label }, 10, now() - 60_000)).to.deep.equal({ tickets: 3, errors: 1 });
    expect(await store.tally({ by, field, label }, 10, now() + 60_000)).to.deep.equal({ tickets: 0, errors: 0 });
  });

  it("demotes a class once, on the ledger, over restarts", async () => {
    const { store, reopen } = rig();
    expect(await store.demote(DEMOTION)).to.equal(true);
    expect(await store.demote({ ...DEMOTION, errors: 10 })).to.equal(false);
    await reopen();
    expect(await rig().store.demotions()).to.deep.equal([DEMOTION]);
    expect((await kinds(rig().store)).filter((kind) => kind === "demotion")).to.have.length(1);
  });

  it("demotes a class anew that was trusted again and is refuted anew", async () => {
    const { store } = rig();
    const again = { ...DEMOTION, since: "2026-02-01T09:00:00.000Z", tickets: 60 };
    expect([await store.demote(DEMOTION), await store.demote(again)]).to.deep.equal([true, true]);
    expect(await store.demotions()).to.deep.equal([again]);
  });

  it("forgets answers and spending by age, a bounded number at once, and never outcomes", async () => {
    const { store, now } = rig();
    for (const digest of ["a", "b", "c"]) await store.keepAnswer({ ...ANSWER, digest });
    await store.reserve([line("all", null)], 1);
    const claim = await claimed(store);
    await store.settle(claim, decidedSettlement(claim.ticket, { outcomes: [OUTCOME] }));
    expect(await store.forgetAdvice(now() - 60_000, 10)).to.equal(0);
    expect(await store.forgetAdvice(now() + 60_000, 2)).to.equal(3);
    expect(await store.forgetAdvice(now() + 60_000, 2)).to.equal(1);
    expect((await rig().dump()).outcomes).to.have.length(1);
  });
}

/** Budgets hold for all processes together. */
export function sharedSpendCases(rig: Rig): void {
  it("passes no cap when two processes book at once, in whatever order", async () => {
    const { store, second } = rig();
    const other = present(second);
    const lines = [line("all", 1_000), line("connection/snow", 2_000), line("step/classify", null)];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? store : other).reserve(lines, 90)),
    );
    expect(answers.filter(({ reserved }) => reserved)).to.have.length(11);
    expect((await store.spent(["2026-01-05"])).map(({ micros }) => micros)).to.deep.equal([990, 990, 990]);
  });
}
