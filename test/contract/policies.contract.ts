import { expect } from "chai";
import type { KeptPolicy } from "../../core/policy/policy.ts";
import { claimed, DECISION, decidedSettlement, INPUTS, present, type Rig } from "./store-rig.ts";

const POLICY: KeptPolicy = {
  version: DECISION.policyVersion,
  rules: [{ name: "routing/network", reads: ["ticket.category"] }],
  files: { "routing.yaml": 'rules: []\ndefault: { why: "Naïve café ☕" }\n', "days.ics": "BEGIN:VCALENDAR" },
  custom: { contactType: "string", count: "int" },
};

/** Policy versions, and what decisions were made from. */
export function policyCases(rig: Rig): void {
  it("keeps a version as it was given, and the first of two under one name", async () => {
    const { store } = rig();
    expect(await store.policy(POLICY.version)).to.equal(undefined);
    await store.keepPolicy(POLICY);
    await store.keepPolicy({ ...POLICY, files: {} });
    expect(await store.policy(POLICY.version)).to.deep.equal(POLICY);
  });

  it("shows a decision with the rules of its version, and without any where they were not kept", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.settle(claim, decidedSettlement(claim.ticket));
    expect(present(await store.view("snow", "INC0010001")).rules).to.equal(undefined);
    await store.keepPolicy(POLICY);
    expect(present(await store.view("snow", "INC0010001")).rules).to.deep.equal(POLICY.rules);
  });

  it("keeps what a decision was made from, for every decision, and over a restart", async () => {
    const { store, reopen } = rig();
    const first = await claimed(store);
    const { decided } = decidedSettlement(first.ticket);
    await store.settle(first, decidedSettlement(first.ticket));
    const later = { ...DECISION, id: "fedcba9876543210" };
    const inputs = { ...INPUTS, now: "2026-01-05T10:00:00.000Z" };
    const second = await claimed(store);
    await store.settle(
      second,
      decidedSettlement(second.ticket, { decided: { decision: later, outcomeDigest: "x", inputs } }),
    );
    await reopen();
    expect(present(await rig().store.decided(DECISION.id))).to.deep.include({
      ticket: first.ticket,
      inputs: decided?.inputs,
    });
    expect(present(await rig().store.decided(later.id)).inputs).to.deep.equal(inputs);
    expect(await rig().store.decided("0000000000000000")).to.equal(undefined);
  });
}
