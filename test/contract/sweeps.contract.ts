import { expect } from "chai";
import type { Completeness } from "../../core/store/arrivals.ts";
import type { SweptChange, SweptRecord } from "../../core/store/store.ts";
import {
  action,
  claimed,
  claimOne,
  decidedSettlement,
  due,
  HOUR,
  hint,
  hints,
  MINUTE,
  type Rig,
  SECOND,
} from "./store-rig.ts";

const MARK = { connection: "snow", recordType: "incident", value: "{}" };
const OPEN_WRITE = MINUTE;

export function sweepCases(rig: Rig): void {
  // A database's clock goes on while a test runs; what it compares must not.
  let startMs = 0;
  beforeEach(() => {
    startMs = rig().now();
  });
  const record = (id: string, revision = "7"): SweptRecord => {
    return { ticket: `snow/incident/${id}`, revision, updatedAtMs: startMs - 10 * MINUTE };
  };
  const change = (id: string, given: Partial<SweptChange> = {}): SweptChange => ({
    ...record(id),
    ...{ seenAtMs: startMs, foundBy: "sweep", webhookAtMs: null, signalAtMs: startMs, signals: 1 },
    nearOwnWrite: false,
    ...given,
  });
  const count = (given: { sinceMs?: number; missingBeforeMs?: number } = {}): Promise<Completeness> =>
    rig().store.completeness({
      ...{ connection: "snow", recordType: "incident", sinceMs: rig().now() - HOUR, missingBeforeMs: rig().now() },
      ...given,
    });
  const states = async (...ids: string[]): Promise<string[]> =>
    (
      await rig().store.sightings(
        ids.map((id) => record(id)),
        OPEN_WRITE,
      )
    ).map(({ state }) => state);

  it("says of each record whether it is idle, waits, is in work or is parked, in the order that was asked", async () => {
    const { store } = rig();
    await store.park(await claimed(store, "parked"), "rejected", "refused");
    await claimed(store, "in-work");
    await store.accept([hint("waiting")], 0);
    expect(await states("waiting", "nobody", "in-work", "parked")).to.deep.equal([
      ...["waiting", "idle", "in_work", "parked"],
    ]);
    expect(await store.sightings([], OPEN_WRITE)).to.deep.equal([]);
  });

  it("takes a wake hour far ahead for idle, and a back-off for waiting", async () => {
    const { store, now } = rig();
    const sleeping = await claimed(store, "sleeping");
    await store.settle(sleeping, decidedSettlement(sleeping.ticket, { wakeAtMs: now() + HOUR }));
    await store.retry(await claimed(store, "failing"), HOUR, "outage");
    expect(await states("sleeping", "failing")).to.deep.equal(["idle", "waiting"]);
  });

  it("says what is remembered, and what an earlier sweep made of the same state", async () => {
    const { store } = rig();
    const claim = await claimed(store, "r1");
    await store.settle(claim, decidedSettlement(claim.ticket, { revision: "6" }));
    await store.recordSwept([change("r1", { nearOwnWrite: true })], MARK);
    const [same, other] = await store.sightings([record("r1"), record("r2", "8")], OPEN_WRITE);
    expect(same).to.deep.include({ remembered: "6", before: change("r1", { nearOwnWrite: true }) });
    expect(other).to.deep.include({ remembered: undefined, before: undefined });
  });

  it("finds the first webhook at or after a change, and no earlier one, nor a sweep's own signal", async () => {
    const { store } = rig();
    const { updatedAtMs } = record("r1");
    const at = (receivedAtMs: number, cause: "webhook" | "sweep" = "webhook") => hint("r1", { receivedAtMs, cause });
    await store.accept([at(updatedAtMs - MINUTE), at(updatedAtMs + SECOND, "sweep")], 0);
    expect((await store.sightings([record("r1")], OPEN_WRITE))[0]?.webhookAtMs).to.equal(undefined);
    await store.accept([at(updatedAtMs + 9 * SECOND), at(updatedAtMs + 5 * SECOND)], 0);
    expect(
      (await store.sightings([record("r1"), record("r2")], OPEN_WRITE)).map(({ webhookAtMs }) => webhookAtMs),
    ).to.deep.equal([...[updatedAtMs + 5 * SECOND, undefined]]);
  });

  it("takes a change for our own write's while that may still be applied, and no later one", async () => {
    const { store, advance, now } = rig();
    const near = async (updatedAtMs: number): Promise<boolean | undefined> =>
      (await store.sightings([{ ...record("r1"), updatedAtMs }], OPEN_WRITE))[0]?.nearOwnWrite;
    const claim = await claimed(store, "r1");
    await store.intend(claim, [action("a1")], []);
    const intentAtMs = now();
    expect(await near(intentAtMs - MINUTE)).to.equal(false);
    expect(await near(intentAtMs)).to.equal(true);
    advance(10 * SECOND);
    await store.doubt(claim);
    await store.park(claim, "history_unreadable", "nobody knows");
    expect(await near(intentAtMs + OPEN_WRITE + 5 * SECOND)).to.equal(true);
    expect(await near(intentAtMs + HOUR)).to.equal(false);
  });

  it("keeps where a sweep goes on together with what it saw, apart from every other mark", async () => {
    const { store } = rig();
    await store.setWatermark("snow", "incident", "another");
    expect(await store.sweepMark("snow", "incident")).to.equal(undefined);
    await store.recordSwept([change("r1")], { ...MARK, value: "first" });
    await store.recordSwept([], { ...MARK, value: "second" });
    expect(await store.sweepMark("snow", "incident")).to.equal("second");
    expect(await store.sweepMark("snow", "change_request")).to.equal(undefined);
    expect(await store.watermark("snow", "incident")).to.equal("another");
  });

  it("counts what was seen, by what told of it", async () => {
    const { store } = rig();
    const { updatedAtMs } = record("x");
    const webhookAtMs = updatedAtMs + 3 * SECOND;
    await store.recordSwept(
      [
        change("r1", { foundBy: "webhook", webhookAtMs, signalAtMs: webhookAtMs, signals: 0 }),
        change("r2", { signalAtMs: updatedAtMs + MINUTE }),
        change("r3", { signalAtMs: updatedAtMs + 2 * SECOND, nearOwnWrite: true }),
        change("r4", { foundBy: "known", signalAtMs: null, signals: 0 }),
        change("old", { updatedAtMs: rig().now() - 2 * HOUR }),
      ],
      MARK,
    );
    expect(await count()).to.include({
      ...{ changed: 4, seenByWebhook: 1, foundOnlyBySweep: 2, nearOwnWrites: 1, known: 1, worstLagMs: MINUTE },
    });
    expect(await count({ sinceMs: rig().now() })).to.include({ changed: 0, worstLagMs: null });
  });

  it("misses what was neither settled at its revision or later, nor is due, in work or parked", async () => {
    const { store } = rig();
    const settle = async (id: string, revision: string): Promise<void> => {
      const claim = await claimed(store, id);
      await store.settle(claim, decidedSettlement(claim.ticket, { revision }));
    };
    for (const [id, revision] of [
      ["same", "7"],
      ["later", "10"],
      ["earlier", "6"],
    ] as const)
      await settle(id, revision);
    await store.park(await claimed(store, "parked"), "rejected", "refused");
    await claimed(store, "in-work");
    await store.accept([hint("waiting")], 0);
    const ids = ["same", "later", "earlier", "parked", "in-work", "waiting", "nobody"];
    await store.recordSwept(
      ids.map((id) => change(id)),
      MARK,
    );
    expect(await count()).to.deep.include({
      missing: 2,
      missingTickets: ["snow/incident/earlier", "snow/incident/nobody"],
    });
    expect(await count({ missingBeforeMs: record("x").updatedAtMs })).to.include({ missing: 0 });
  });

  it("does not miss a state of a record that a later one has replaced", async () => {
    const { store } = rig();
    const claim = await claimed(store, "r1");
    await store.settle(claim, decidedSettlement(claim.ticket, { revision: "unlike any" }));
    const later = change("r1", { revision: "unlike any", updatedAtMs: record("r1").updatedAtMs + 1 });
    await store.recordSwept([change("r1"), later], MARK);
    expect(await count()).to.include({ changed: 2, missing: 0 });
  });

  it("forgets what sweeps saw long ago, some at a time", async () => {
    const { store, advance, now } = rig();
    await store.recordSwept([change("r1"), change("r2"), change("r3")], MARK);
    advance(HOUR);
    await store.recordSwept([change("r4", { seenAtMs: now() })], MARK);
    const beforeMs = now() - MINUTE;
    expect(await store.forgetSwept(beforeMs, 2)).to.equal(2);
    expect(await store.forgetSwept(beforeMs, 2)).to.equal(1);
    expect(await count({ sinceMs: 0 })).to.include({ changed: 1 });
  });

  it("takes up again what was settled since, but not what waits for a person", async () => {
    const { store, advance, now } = rig();
    const settle = async (id: string): Promise<void> => {
      const claim = await claimed(store, id);
      await store.settle(claim, decidedSettlement(claim.ticket));
    };
    await settle("before");
    advance(MINUTE);
    const sinceMs = now() - SECOND;
    await settle("during");
    await settle("parked");
    await store.accept([hint("parked")], 0);
    await store.park(await claimOne(store), "rejected", "refused");
    expect(await store.takeUpAgain("snow", sinceMs)).to.equal(1);
    expect(await store.takeUpAgain("jira", sinceMs)).to.equal(0);
    expect(await due(store)).to.deep.equal(["during"]);
  });

  it("takes up again what is in work, and settled only after that", async () => {
    const { store, now, advance } = rig();
    const claim = await claimed(store, "r1");
    expect(await store.takeUpAgain("jira", now())).to.equal(0);
    await store.takeUpAgain("snow", now());
    await store.settle(claim, decidedSettlement(claim.ticket));
    advance(SECOND);
    expect(await due(store)).to.deep.equal(["r1"]);
  });

  it("takes up again as many as there are, spread so that news goes before most of them", async () => {
    const { store, advance, now } = rig();
    const many = 501;
    await store.accept(hints(many), 0);
    const sinceMs = now();
    for (const claim of await store.claim("worker-1", many, HOUR))
      await store.settle(claim, decidedSettlement(claim.ticket));
    expect(await store.takeUpAgain("snow", sinceMs)).to.equal(many);
    expect(await due(store)).to.have.length(many - 1);
    advance(MINUTE);
    expect(await due(store)).to.have.length(1);
  });

  it("takes up again no later than it was due anyway", async () => {
    const { store, advance, now } = rig();
    const claim = await claimed(store, "r1");
    await store.settle(claim, decidedSettlement(claim.ticket));
    await store.accept([hint("r1")], 0);
    advance(SECOND);
    const { work } = await rig().dump();
    await store.takeUpAgain("snow", now() - MINUTE);
    const after = (await rig().dump()).work;
    expect(after[0]?.["due_at"]).to.equal(work[0]?.["due_at"]);
  });
}
