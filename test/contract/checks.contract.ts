import { expect } from "chai";
import { CHECKS_MAX } from "../../core/policy/aftermath.ts";
import type { CheckReport } from "../../core/store/checks.ts";
import type { Store } from "../../core/store/store.ts";
import { claimed, due, kinds, MINUTE, present, type Rig, settlement, verified } from "./store-rig.ts";

const report = (name: string, passed: boolean, atMs = 0): CheckReport => ({ name, passed, atMs, by: "api" });
const send = (store: Store, ...each: Parameters<typeof report>): Promise<string> =>
  store.recordCheck("snow", "r1", report(...each));

/** How checks of changes went. */
export function checkCases(rig: Rig): void {
  it("keeps the failures of a ticket until they pass, and those alone from an hour on", async () => {
    const { store, now } = rig();
    const { ticket } = await claimed(store);
    const sinceMs = now() - MINUTE;
    expect(await send(store, "smoke", false, sinceMs)).to.equal("recorded");
    expect(await send(store, "load", false, sinceMs - 1)).to.equal("recorded");
    expect(await send(store, "login", true)).to.equal("recorded");
    expect(await store.failedChecks(ticket, 0)).to.deep.equal(["load", "smoke"]);
    expect(await store.failedChecks(ticket, sinceMs)).to.deep.equal(["smoke"]);
    expect(await store.failedChecks("snow/incident/another", 0)).to.deep.equal([]);
    await send(store, "smoke", true, sinceMs + 1);
    expect(await store.failedChecks(ticket, 0)).to.deep.equal(["load"]);
  });

  it("lets the latest report of a name count, in whatever order they come, and none from the future", async () => {
    const { store, advance, now } = rig();
    const { ticket } = await claimed(store);
    const ahead = now() + 10 ** 9;
    await send(store, "smoke", true, 20);
    await send(store, "smoke", false, 10);
    expect(await store.failedChecks(ticket, 0)).to.deep.equal([]);
    await send(store, "smoke", false, ahead);
    expect(await store.failedChecks(ticket, 0)).to.deep.equal(["smoke"]);
    advance(MINUTE);
    await send(store, "smoke", true, ahead);
    expect(await store.failedChecks(ticket, 0)).to.deep.equal([]);
  });

  it("makes its ticket due, also one in work or parked", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await send(store, "smoke", false);
    await store.settle(claim, settlement());
    expect(await due(store), "in work").to.have.length(1);
  });

  it("wakes a ticket that is parked", async () => {
    const { store } = rig();
    await store.park(await claimed(store), "drift", "x");
    await send(store, "smoke", false);
    expect(await due(store)).to.have.length(1);
    expect(present(await store.view("snow", "r1")).parked).to.equal(undefined);
  });

  it("tells the ledger, without the hour", async () => {
    const { store } = rig();
    const { ticket } = await claimed(store);
    await send(store, "smoke", false);
    const last = (await store.entries(0, 100)).at(-1);
    expect([last?.kind, last?.ticket, last?.body]).to.deep.equal([
      "check",
      ticket,
      '{"by":"api","name":"smoke","passed":false}',
    ]);
    expect(await verified(store)).to.have.property("ok", true);
  });

  it("knows no ticket that no signal has named, and no more names than a change can have", async () => {
    const { store } = rig();
    const { ticket } = await claimed(store);
    expect(await store.recordCheck("snow", "CHG404", report("smoke", false))).to.equal("unknown");
    expect(await store.recordCheck("jira", "r1", report("smoke", false))).to.equal("unknown");
    for (let at = 0; at < CHECKS_MAX; at += 1) await send(store, `check ${at}`, false);
    const before = await kinds(store);
    expect(await send(store, "one more", false)).to.equal("full");
    expect(await send(store, "check 0", true)).to.equal("recorded");
    expect(await store.failedChecks(ticket, 0)).to.have.length(CHECKS_MAX - 1);
    expect((await kinds(store)).length).to.equal(before.length + 1);
  });
}
