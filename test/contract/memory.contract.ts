import { expect } from "chai";
import type { GateMemory, GateRound } from "../../core/gates/gate.ts";
import type { TicketMemory } from "../../core/store/store.ts";
import {
  action,
  claimed,
  claimOne,
  DECISION,
  decidedSettlement,
  HOUR,
  hint,
  INPUTS,
  MINUTE,
  present,
  type Rig,
  START_MS,
  settlement,
} from "./store-rig.ts";

const ASKED: GateRound = {
  ...{ rule: "board", bindsDigest: "what-was-bound", groups: ["Board"], people: [], need: "any", fallback: false },
  ...{ stood: [], requester: "", present: {}, expiresMs: HOUR },
};
const { expiresMs: _, ...round } = ASKED;
const ROUND: GateMemory = {
  ...round,
  ...{ state: "requested", marker: "[il:g1]", seen: "1", doors: [], told: false, undone: 0 },
  ...{ requestedAt: "2026-03-02T09:00:00.000Z", expiresAt: "2026-03-02T10:00:00.000Z" },
  answers: [{ id: "row-1", decision: "approved", for: "ann", by: "ann", at: null, refused: "nobody" }],
};

export function memoryCases(rig: Rig): void {
  const fields: TicketMemory["fields"] = {
    assignmentGroup: { wrote: "Network Operations", theirs: false, writes: [START_MS, START_MS + 1] },
    priority: { wrote: 2, theirs: true, writes: [] },
    assignee: { theirs: true, writes: [] },
  };

  it("gives back what was remembered, as it was given", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.settle(claim, decidedSettlement(claim.ticket, { fields }));
    const { memory, recordKey } = await claimed(store);
    const { decided } = decidedSettlement(claim.ticket);
    expect(memory).to.deep.equal({
      revision: "7",
      decisionId: DECISION.id,
      outcomeDigest: decided?.outcomeDigest,
      suggestedDigest: "",
      fields,
      clocks: {},
      gates: [],
      advised: [],
    });
    expect(recordKey).to.equal("INC0010001");
  });

  it("keeps what was asked of people until it is told otherwise", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.settle(claim, { ...decidedSettlement(claim.ticket), gates: [ROUND] });
    await store.settle(await claimed(store), settlement({ revision: "8" }));
    expect((await claimed(store)).memory?.gates).to.deep.equal([ROUND]);
    expect(present(await store.view("snow", "INC0010001")).gates).to.deep.equal([ROUND]);
  });

  it("keeps the round of a request with its intent, and out of the ledger", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    const asked = { ...action("ask-1"), ...({ kind: "ask", field: "gate", before: null, after: null } as const) };
    await store.intend(claim, [{ ...asked, round: ASKED }], []);
    await store.retry(claim, 0, "neither");
    const [open] = (await claimOne(store)).open;
    expect(open).to.deep.include({ ...asked, round: ASKED });
    expect((await store.entries(0, 10)).map(({ body }) => body).join()).not.to.contain(ASKED.bindsDigest);
  });

  it("keeps what was decided with the intent of what follows from it, whatever becomes of that", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.settle(claim, { ...decidedSettlement(claim.ticket), gates: [ROUND] });
    const granted = { ...ROUND, state: "granted" as const };
    const second = await claimed(store);
    await store.intend(second, [action("a1")], [], [granted]);
    await store.retry(second, 0, "neither");
    const third = await claimOne(store);
    expect(third.memory?.gates).to.deep.equal([granted]);
    await store.intend(third, [action("a2")], []);
    await store.retry(third, 0, "neither");
    expect((await claimOne(store)).memory?.gates).to.deep.equal([granted]);
  });

  it("forgets on a redrive what nobody answered in time, so that it is asked again", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    const gates = [
      { ...ROUND, state: "expired" as const },
      { ...ROUND, rule: "other", state: "refused" as const },
    ];
    const park = { reason: "approval_expired", detail: "" };
    await store.settle(claim, { ...decidedSettlement(claim.ticket), gates, park });
    await store.redrive("snow", "INC0010001", "someone");
    const left = (await claimOne(store)).memory?.gates ?? [];
    expect(left.map(({ rule, state }) => [rule, state])).to.deep.equal([
      ["board", "void"],
      ["other", "refused"],
    ]);
  });

  it("keeps the decision when nothing new was decided, and takes the rest", async () => {
    const { store } = rig();
    const first = await claimed(store);
    await store.settle(first, decidedSettlement(first.ticket));
    await store.settle(await claimed(store), settlement({ revision: "8", recordKey: "INC2", fields }));
    const { memory } = await claimed(store);
    expect(memory).to.deep.include({ revision: "8", decisionId: DECISION.id, fields });
    const view = present(await store.view("snow", "INC2"));
    expect(view.decision).to.deep.equal(DECISION);
  });

  it("replaces the decision with a new one", async () => {
    const { store } = rig();
    const first = await claimed(store);
    await store.settle(first, decidedSettlement(first.ticket));
    const decision = { ...DECISION, id: "fedcba9876543210", holds: [], set: {} };
    const second = await claimed(store);
    await store.settle(
      second,
      decidedSettlement(second.ticket, { decided: { decision, outcomeDigest: "other", inputs: INPUTS }, fields: {} }),
    );
    const { memory } = await claimed(store);
    const last = {
      revision: "7",
      decisionId: decision.id,
      outcomeDigest: "other",
      suggestedDigest: "",
      fields: {},
      clocks: {},
      gates: [],
      advised: [],
    };
    expect(memory).to.deep.equal(last);
    expect(present(await store.view("snow", "r1")).decision).to.deep.equal(decision);
  });

  it("remembers every ticket of a batch apart", async () => {
    const { store } = rig();
    for (const recordId of ["r1", "r2", "r3"]) {
      const claim = await claimed(store, recordId);
      await store.settle(claim, decidedSettlement(claim.ticket, { revision: `of ${recordId}` }));
    }
    await store.accept([hint("r1"), hint("r2"), hint("r3"), hint("r4")], 0);
    const claims = await store.claim("worker-1", 10, HOUR);
    const revisions = claims.map(({ recordId, memory }) => [recordId, memory?.revision]);
    expect(Object.fromEntries(revisions)).to.deep.equal({ r1: "of r1", r2: "of r2", r3: "of r3", r4: undefined });
  });
}

export function viewCases(rig: Rig): void {
  it("shows a ticket by its key and by its id", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.intend(claim, [action("a1")], []);
    await store.settle(claim, decidedSettlement(claim.ticket, { wakeAtMs: START_MS + 24 * HOUR }));
    const view = present(await store.view("snow", "INC0010001"));
    expect(view).to.deep.include({
      ticket: "snow/incident/r1",
      connection: "snow",
      key: "INC0010001",
      revision: "7",
      decision: DECISION,
      fields: decidedSettlement(claim.ticket).fields,
      dueAtMs: START_MS + 24 * HOUR,
      parked: undefined,
    });
    expect(view.settledAtMs).to.be.a("number");
    expect(view.actions.map(({ id, state, receiptAtMs }) => [id, state, receiptAtMs])).to.deep.equal([
      ["a1", "open", null],
    ]);
    expect(await store.view("snow", "r1")).to.deep.equal(view);
  });

  it("shows a ticket that was hinted at and never read", async () => {
    await rig().store.accept([hint("r1")], 0);
    const view = present(await rig().store.view("snow", "r1"));
    expect(view).to.deep.include({
      key: "r1",
      revision: "",
      decision: undefined,
      fields: {},
      actions: [],
      settledAtMs: undefined,
    });
  });

  it("shows why a ticket is parked", async () => {
    const { store } = rig();
    await store.park(await claimed(store), "rejected", "refused");
    const view = present(await store.view("snow", "r1"));
    expect(view.parked).to.include({ reason: "rejected", detail: "refused" });
    expect(view.dueAtMs).to.equal(null);
  });

  it("shows the latest actions of a ticket that has very many, in their order", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    for (let batch = 10; batch < 15; batch += 1) {
      await store.intend(
        claim,
        Array.from({ length: 50 }, (_, index) => action(`${batch}-${index}`)),
        [],
      );
      advance(MINUTE);
    }
    const { actions } = present(await store.view("snow", "r1"));
    const batches = actions.map(({ id }) => Number(id.slice(0, 2)));
    expect(batches).to.deep.equal([11, 12, 13, 14].flatMap((batch) => Array<number>(50).fill(batch)));
  });

  it("shows nothing of a ticket that is unknown or on another connection", async () => {
    await rig().store.accept([hint("r1")], 0);
    expect(await rig().store.view("snow", "nobody")).to.equal(undefined);
    expect(await rig().store.view("jira", "r1")).to.equal(undefined);
  });
}

export function upkeepCases(rig: Rig): void {
  it("counts what there is", async () => {
    const { store } = rig();
    expect(await store.counts()).to.deep.equal({ signals: 0, pending: 0, parked: 0, leased: 0, ledger: 0 });
    await store.park(await claimed(store, "parked"), "rejected", "");
    await store.finish(await claimed(store, "done"));
    await claimed(store, "leased");
    await store.accept([hint("due"), hint("later", { target: null })], HOUR);
    expect(await store.counts()).to.deep.equal({ signals: 5, pending: 2, parked: 1, leased: 1, ledger: 6 });
  });

  it("keeps watermarks, each for itself", async () => {
    const { store } = rig();
    expect(await store.watermark("snow", "incident")).to.equal(undefined);
    await store.setWatermark("snow", "incident", "2026-01-05 09:00:00");
    await store.setWatermark("snow", "change_request", "other");
    await store.setWatermark("jira", "incident", "another");
    await store.setWatermark("snow", "incident", "2026-01-05 10:00:00");
    expect(await store.watermark("snow", "incident")).to.equal("2026-01-05 10:00:00");
    expect(await store.watermark("snow", "change_request")).to.equal("other");
    expect(await store.watermark("jira", "incident")).to.equal("another");
  });

  it("answers a ping, as often as asked, and leaves no entry", async () => {
    await rig().store.ping();
    await rig().store.ping();
    expect(await rig().store.counts()).to.include({ ledger: 0 });
  });

  it("keeps everything over a restart", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.intend(claim, [action("a1")], []);
    await store.settle(claim, decidedSettlement(claim.ticket));
    await store.park(await claimed(store, "r2"), "rejected", "");
    const last = hint("r3");
    await store.accept([last, hint("", { target: { unlocated: "no table" } })], HOUR);
    await store.setWatermark("snow", "incident", "x");
    const before = await rig().dump();
    await rig().reopen();
    expect(await rig().dump()).to.deep.equal(before);
    expect(await rig().store.accept([last], 0)).to.deep.equal(["duplicate"]);
    expect(await rig().store.append([{ kind: "stop", ticket: null, body: { worker: "w", released: 0 } }])).to.include({
      seq: before.ledger.length + 1,
    });
  });
}
