import { expect } from "chai";
import { atDesk, type Desk, type Filed, HOUR, MINUTE, SYSTEMS, type Ticket } from "./desk.ts";

const ROUTING = `rules: []
default: { id: rest, why: Everything, then: { assign: { group: Network Operations } } }
`;
const THEN = "watch: 4h, ask: { group: Change Advisory Board }, expires: 2h";
const RISK = `factors:
  - { id: risky, why: It says so, when: 'ticket.title.contains("risky")', then: { points: 900 } }
tiers: { moderate: 500, high: 800, very_high: 1000 }
cab: { from: high, approvers: { group: Change Advisory Board }, leadTime: 48h }
rollback:
  - id: normal
    why: Something is wrong since the change
    when: ticket.change.type != "standard"
    then: { ${THEN}, on: { incidents: { atLeast: 2, priority: 3 }, failedCheck: true, unsuccessful: true } }
  - id: standard
    why: Standard changes have a rehearsed way back
    when: ticket.change.type == "standard"
    then: { ${THEN}, on: { failedCheck: true }, automatic: true }
`;
const NONE = "[]\n";
const POLICY = {
  ...{ "gates.yaml": NONE, "freezes.yaml": NONE, "change-risk.yaml": RISK },
  ...{ "gates.test.yaml": NONE, "freezes.test.yaml": NONE, "change-risk.test.yaml": NONE },
};
const POLL = 301_000;

function scenario(name: string, play: (desk: Desk) => Promise<void>): void {
  for (const system of SYSTEMS)
    it(`${name} (${system})`, async function () {
      this.timeout(60_000);
      await atDesk(system, { policy: POLICY, routing: ROUTING, startAt: "2026-03-10T20:00:00Z" }, play);
    });
}

const CHANGE: Filed = {
  ...{ kind: "change", title: "New firmware", backoutPlan: "Boot the old image", item: "fw-01" },
  ...{ start: "2026-03-10T20:00:00Z", end: "2026-03-10T20:30:00Z" },
};

/** A change that was made and whose implementation is over. */
async function made(desk: Desk, what: Partial<Filed> = {}, outcome?: "unsuccessful"): Promise<Ticket> {
  desk.item("fw-01");
  desk.item("shop", "fw-01");
  const ticket = desk.file({ ...CHANGE, ...what });
  await desk.settle();
  ticket.submit();
  await desk.pass(4_000);
  // A flow asks a group, the group its members, and goes on: each a little later.
  for (let step = 0; step < 10; step += 1) {
    ticket.agree();
    await desk.pass(4_000);
  }
  ticket.begin();
  await desk.pass(31 * MINUTE);
  ticket.end(outcome);
  await desk.settle();
  return ticket;
}

const backNow = (ticket: Ticket): string[] => ticket.notes().filter((note) => note.includes("Roll back now"));
async function events(ticket: Ticket, kind: "gate" | "check" = "gate"): Promise<unknown[]> {
  const entries = (await ticket.entries()).filter((entry) => entry.kind === kind);
  return entries.map(({ body }) => JSON.parse(body) as unknown);
}

describe("Rollbacks", () => {
  scenario("two incidents after a change: people are asked, and the group is told once they agree", async (desk) => {
    const ticket = await made(desk);
    expect(await ticket.gate()).to.deep.equal([]);
    desk.incident("fw-01");
    await desk.pass(POLL);
    expect(await ticket.gate()).to.deep.equal([]);
    desk.incident("shop");
    await desk.pass(POLL);
    expect(await ticket.gate()).to.deep.equal(["rollback/normal: requested"]);
    await desk.pass(4_000);
    expect(ticket.asked()).to.include("ann");
    for (const part of [
      "Something is wrong since the change: 2 incidents of priority 3 or higher",
      "Boot the old image",
    ])
      expect(ticket.request()).to.contain(part);
    expect((await ticket.decision()).rollback).to.include({ state: "asked", automatic: false });
    ticket.answer("ann", "approved");
    await desk.pass(61_000);
    expect(backNow(ticket)).to.have.length(1);
    expect(backNow(ticket)[0]).to.match(/2 incidents .*; approved by ANN\. For: .+\. Carry out the backout plan/);
    expect((await ticket.decision()).rollback).to.include({ state: "go" });
    desk.incident("fw-01");
    await desk.pass(POLL);
    await desk.pass(24 * HOUR);
    expect(backNow(ticket)).to.have.length(1);
    expect(await ticket.gate()).to.deep.equal(["rollback/normal: granted"]);
    // In ServiceNow the answers to the change's own flow stand beside ours: they are seen, and do not count.
    const told = (await events(ticket)).map((entry) => Object(entry).event);
    expect(told.filter((event) => event !== "answer_refused")).to.deep.equal(["asked", "granted"]);
    expect(JSON.stringify(await ticket.entries())).not.to.contain("Boot the old image");
  });

  scenario("a failed check of a standard change: it goes by itself, and is told once", async (desk) => {
    const ticket = await made(desk, { type: "standard" });
    expect(await desk.report(ticket, "smoke-test", false)).to.equal(202);
    expect(await ticket.gate()).to.deep.equal([]);
    expect((await ticket.decision()).rollback).to.include({ state: "go", automatic: true });
    expect(backNow(ticket)).to.have.length(1);
    expect(backNow(ticket)[0]).to.contain("check smoke-test failed").and.to.contain("without asking");
    const told = (await events(ticket)).map((event) => Object.assign({}, event, { requester: undefined }));
    expect(told).to.deep.include({
      ...{ event: "automatic", rule: "rollback/standard", marker: "", bindsDigest: "" },
      ...{ answerId: null, by: null, at: null, reason: "check smoke-test failed" },
      requester: undefined,
    });
    expect(await events(ticket, "check")).to.deep.equal([{ name: "smoke-test", passed: false, by: "api" }]);
    await desk.report(ticket, "login", false);
    await desk.pass(POLL);
    await desk.pass(24 * HOUR);
    expect(backNow(ticket)).to.have.length(1);
    expect((await events(ticket)).map((entry) => Object(entry).event)).to.deep.equal(["automatic"]);
  });

  scenario("closed as unsuccessful: people are asked, and one of them says no", async (desk) => {
    const ticket = await made(desk, {}, "unsuccessful");
    expect(await ticket.gate()).to.deep.equal(["rollback/normal: requested"]);
    await desk.pass(4_000);
    ticket.answer("ben", "rejected");
    await desk.pass(61_000);
    expect((await ticket.decision()).rollback).to.include({ state: "no" });
    expect(ticket.notes().join("\n")).to.contain("Rejected by BEN");
    expect(backNow(ticket)).to.deep.equal([]);
  });

  scenario("a check that failed and passed since is no reason", async (desk) => {
    const ticket = await made(desk);
    await desk.report(ticket, "smoke-test", true);
    expect(await ticket.gate()).to.deep.equal([]);
    await desk.report(ticket, "smoke-test", false);
    expect(await ticket.gate()).to.deep.equal(["rollback/normal: requested"]);
    const other = desk.file({ ...CHANGE, title: "Another" });
    await desk.settle();
    await desk.report(other, "smoke-test", false);
    await desk.report(other, "smoke-test", true);
    expect((await other.decision()).rollback).to.equal(null);
  });

  scenario("what happens after the watch is over asks nobody, and nobody looks any more", async (desk) => {
    const ticket = await made(desk);
    await desk.pass(4 * HOUR);
    expect((await ticket.view()).dueAtMs).to.equal(null);
    desk.incident("fw-01");
    desk.incident("fw-01");
    await desk.pass(POLL);
    await desk.report(ticket, "smoke-test", false);
    expect(await ticket.gate()).to.deep.equal([]);
    expect((await ticket.decision()).rollback).to.equal(null);
  });
});
