import { expect } from "chai";
import type { RevokeSelector } from "../../core/revocation.ts";
import { GIVEN_BACK, REVOKED } from "../../core/revocation.ts";
import type { Intent, Store } from "../../core/store/store.ts";
import {
  action,
  claimed,
  claimOne,
  decidedSettlement,
  HOUR,
  kinds,
  MINUTE,
  present,
  type Rig,
  rejection,
  verified,
  workRow,
} from "./store-rig.ts";

/** A ticket on which these actions took effect. */
async function written(store: Store, recordId: string, actions: readonly Intent[]): Promise<void> {
  const claim = await claimed(store, recordId);
  await store.intend(claim, actions, []);
  const receipts = actions.map(({ id }) => ({ actionId: id, outcome: "applied" as const, detail: "" }));
  await store.settle(claim, decidedSettlement(claim.ticket, { receipts, recordKey: recordId.toUpperCase() }));
}

const note = (id: string): Intent => action(id, { kind: "note", field: "note", before: null, after: null });
const revoke = (store: Store, selector: RevokeSelector, id = "rev1", most = 100) =>
  store.revoke({ id, selector, by: "ann", reason: "a wrong rule" }, most);

export function revocationCases(rig: Rig): void {
  it("takes up what a selector names, makes its tickets due, and tells the ledger once", async () => {
    const { store } = rig();
    await written(store, "r1", [action("a1"), note("n1")]);
    await written(store, "r2", [action("a2", { because: ["network-2"] })]);
    const before = (await kinds(store)).length;
    expect(await revoke(store, { rule: "network" })).to.deep.equal({ actions: 2, tickets: 1, recorded: true });
    expect(await kinds(store, before)).to.deep.equal(["revoke"]);
    const claim = await claimOne(store);
    expect(claim.recordId).to.equal("r1");
    const { revocations, past } = present(claim.undoing);
    expect(revocations).to.deep.equal([{ id: "rev1", by: "ann", reason: "a wrong rule" }]);
    expect(past.map(({ id, isOpen, revoked }) => [id, isOpen, revoked?.wanted])).to.have.deep.members([
      ["a1", false, true],
      ["n1", false, true],
    ]);
    expect(await verified(store)).to.include({ ok: true });
  });

  it("takes up nothing twice, nothing of another rule, and nothing that undoes", async () => {
    const { store } = rig();
    const own = [action("g1", { because: [GIVEN_BACK] }), action("u1", { because: [REVOKED, "x"] })];
    await written(store, "r1", [
      action("a1", { because: ["Network"] }),
      action("a2", { because: ["a network"] }),
      ...own,
    ]);
    await written(store, "r2", [action("a3")]);
    expect(await revoke(store, { sinceMs: 0 })).to.include({ actions: 3, recorded: true });
    const before = await rig().dump();
    for (const selector of [{ sinceMs: 0 }, { rule: "network" }, { action: "u1" }, { action: "unknown" }])
      expect(await revoke(store, selector, "rev2")).to.deep.equal({ actions: 0, tickets: 0, recorded: false });
    expect(await rig().dump()).to.deep.equal(before);
  });

  it("heeds every part of a selector, upper and lower case, and texts that mean something to a database", async () => {
    const { store } = rig();
    const odd = `100%_"'\\`;
    await written(store, "r1", [
      action("a1", { decisionId: "d1", because: [odd] }),
      action("a2", { because: ["NETWORK"] }),
    ]);
    const intentAtMs = present(await store.view("snow", "r1")).actions[0]?.intentAtMs ?? 0;
    const found = async (selector: RevokeSelector): Promise<string[] | undefined> =>
      (await store.revocable(selector, 10))?.flatMap(({ past }) =>
        past.filter(({ revoked }) => revoked?.wanted).map(({ id }) => id),
      );
    expect(await found({ rule: odd })).to.deep.equal(["a1"]);
    expect(await found({ rule: "network" })).to.deep.equal([]);
    expect(await found({ rule: "%" })).to.deep.equal([]);
    expect(await found({ decision: "d1" })).to.deep.equal(["a1"]);
    expect(await found({ decision: "d1", rule: "NETWORK" })).to.deep.equal([]);
    expect(await found({ action: "a2", connection: "snow" })).to.deep.equal(["a2"]);
    expect(await found({ action: "a2", connection: "jira" })).to.deep.equal([]);
    expect(await found({ sinceMs: intentAtMs, untilMs: intentAtMs + 1 })).to.have.members(["a1", "a2"]);
    expect(await found({ untilMs: intentAtMs })).to.deep.equal([]);
    expect(await found({ sinceMs: intentAtMs + 1 })).to.deep.equal([]);
  });

  it("takes up what is still in doubt, and leaves what certainly did not happen", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    await store.intend(claim, [action("a1"), action("a2"), action("a3")], []);
    await store.receive(claim, [
      { actionId: "a2", outcome: "dropped", detail: "" },
      { actionId: "a3", outcome: "abandoned", detail: "" },
    ]);
    expect(await revoke(store, { rule: "network" })).to.include({ actions: 1 });
    advance(HOUR);
    const { undoing, open } = await claimOne(store);
    expect(present(undoing).past).to.deep.equal(
      open.map((each) => ({ ...each, isOpen: true, revoked: { revocation: "rev1", wanted: true } })),
    );
  });

  it("records nothing of a selection that is too large", async () => {
    const { store } = rig();
    await written(store, "r1", [action("a1"), action("a2"), action("a3")]);
    const before = await rig().dump();
    expect(await revoke(store, { rule: "network" }, "rev1", 2)).to.include({ actions: 3, recorded: false });
    expect(await store.revocable({ rule: "network" }, 2)).to.equal(undefined);
    expect(await rig().dump()).to.deep.equal(before);
  });

  it("wakes a ticket that waits for a person, and one in work is due again after it", async () => {
    const { store } = rig();
    await written(store, "r1", [action("a1"), note("n1")]);
    await store.park(await claimed(store), "held", "a person looks at it");
    await revoke(store, { action: "a1" });
    const claim = await claimOne(store);
    expect(await workRow(rig())).to.include({ parked_at: null, parked_reason: null });
    await revoke(store, { action: "n1" }, "rev2");
    await store.finish(claim, 0);
    expect((await claimOne(store)).undoing?.revocations.map(({ id }) => id)).to.deep.equal(["rev1", "rev2"]);
  });
}

export function revocationEndCases(rig: Rig): void {
  it("ends each action once, with what is remembered, and shows how far it has come", async () => {
    const { store } = rig();
    await written(store, "r1", [action("a1"), note("n1"), action("a2")]);
    await revoke(store, { rule: "network" });
    expect(await store.revocation("rev1")).to.deep.include({
      ...{ id: "rev1", selector: { rule: "network" }, by: "ann", reason: "a wrong rule" },
      ...{ wanted: 3, restored: 0, corrected: 0, kept: 0, parked: 0, waitingFor: ["snow"] },
    });
    const claim = await claimOne(store);
    const revoked = [
      { actionId: "a1", revocation: "rev1", state: "restored" as const, reason: "" },
      { actionId: "n1", revocation: "rev1", state: "corrected" as const, reason: "" },
    ];
    expect(await store.settle(claim, decidedSettlement(claim.ticket, { revoked, entries: [] }))).to.equal(true);
    expect((await kinds(store)).at(-1)).to.equal("revoked");
    const next = await claimed(store);
    expect(next.undoing?.past.map(({ id, revoked: mark }) => [id, mark?.wanted])).to.have.deep.members([
      ["a1", false],
      ["n1", false],
      ["a2", true],
    ]);
    const late = { actionId: "a1", revocation: "rev1", state: "kept" as const, reason: "too late" };
    const kept = {
      actionId: "a2",
      revocation: "rev1",
      state: "kept" as const,
      reason: "somebody has changed it since",
    };
    expect(await store.endRevoked(next, [late, kept])).to.equal(true);
    await store.finish(next);
    expect((await claimed(store)).undoing).to.equal(undefined);
    expect(await store.revocation("rev1")).to.include({ wanted: 0, restored: 1, corrected: 1, kept: 1 });
    expect(await store.revocation("rev2")).to.equal(undefined);
    const page = { states: ["restored", "kept"] as const, after: "", limit: 1 };
    const [first] = await store.revokedActions("rev1", page);
    expect(first).to.include({ actionId: "a1", key: "INC0010001", kind: "set", state: "restored", reason: "" });
    const rest = await store.revokedActions("rev1", { ...page, after: "a1", limit: 9 });
    expect(rest.map(({ actionId, reason }) => [actionId, reason])).to.deep.equal([
      ["a2", "somebody has changed it since"],
    ]);
  });

  it("ends nothing with a stale fence, and nothing where the ledger does not take it", async () => {
    const { store, advance } = rig();
    await written(store, "r1", [action("a1")]);
    await revoke(store, { rule: "network" });
    const stale = await claimOne(store);
    advance(HOUR);
    const claim = await claimOne(store);
    const before = await rig().dump();
    const end = { actionId: "a1", revocation: "rev1", state: "restored" as const, reason: "" };
    expect(await store.endRevoked(stale, [end])).to.equal(false);
    await rejection(store.endRevoked(claim, [{ ...end, revocation: "x".repeat(401) }]));
    expect(await rig().dump()).to.deep.equal(before);
  });

  it("says of what waits why its ticket does", async () => {
    const { store } = rig();
    await written(store, "r1", [action("a1")]);
    await revoke(store, { rule: "network" });
    await store.park(await claimOne(store), "drift", "state: 42");
    expect(await store.revocation("rev1")).to.include({ wanted: 1, parked: 1 });
    const [waits] = await store.revokedActions("rev1", { states: ["wanted"], after: "", limit: 9 });
    expect(waits).to.include({ state: "wanted", reason: "drift: state: 42" });
  });
}

export function modeCases(rig: Rig): void {
  it("keeps what was lowered, with the hour of the first time, until it is lifted", async () => {
    const { store, advance } = rig();
    const change = { configured: "act" as const, by: "ann" };
    expect(await store.setMode({ connection: null, mode: "suggest", ...change })).to.equal(null);
    expect(await store.setMode({ connection: "snow", mode: "observe", ...change })).to.equal(null);
    const [all] = await store.modes();
    advance(MINUTE);
    expect(await store.setMode({ connection: null, mode: "observe", ...change })).to.equal(all?.atMs);
    await rig().reopen();
    const modes = await rig().store.modes();
    expect(modes.map(({ connection, mode }) => [connection, mode])).to.deep.equal([
      [null, "observe"],
      ["snow", "observe"],
    ]);
    expect(modes[0]?.atMs).to.equal(all?.atMs);
    expect(await rig().store.setMode({ connection: null, mode: null, ...change })).to.equal(all?.atMs);
    expect((await rig().store.modes()).map(({ connection }) => connection)).to.deep.equal(["snow"]);
    expect(await kinds(rig().store)).to.deep.equal(["mode", "mode", "mode", "mode"]);
  });

  it("records nothing where it is so already", async () => {
    const { store } = rig();
    await store.setMode({ connection: "snow", mode: "observe", configured: "act", by: "ann" });
    const before = await rig().dump();
    await store.setMode({ connection: "snow", mode: "observe", configured: "act", by: "ben" });
    await store.setMode({ connection: null, mode: null, configured: "act", by: "ben" });
    expect(await rig().dump()).to.deep.equal(before);
  });
}

export function sharedModeCases(rig: Rig): void {
  it("lets another process see what one has lowered", async () => {
    const second = present(rig().second);
    await rig().store.setMode({ connection: "snow", mode: "observe", configured: "act", by: "ann" });
    expect((await second.modes()).map(({ connection, mode }) => [connection, mode])).to.deep.equal([
      ["snow", "observe"],
    ]);
  });

  it("gives each action to one of two revocations at the same time", async () => {
    const stores = [rig().store, present(rig().second)];
    await written(rig().store, "r1", [action("a1"), action("a2"), note("n1")]);
    await Promise.all(stores.map((store, at) => revoke(store, { rule: "network" }, `rev${at}`)));
    const { revoked } = await rig().dump();
    expect(revoked.map(({ action_id }) => action_id)).to.deep.equal(["a1", "a2", "n1"]);
  });
}
