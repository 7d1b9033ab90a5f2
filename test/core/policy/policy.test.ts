import { expect } from "chai";
import { type OtherFiles, policyOf } from "../support/policies.ts";

/** A gate that is asked for when the condition holds. */
function gateOn(when: string): OtherFiles {
  const gate = { approvers: { group: "CAB" }, before: ["assign"], binds: ["title"], expires: "72h" };
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { gates: [{ id: "guard", why: "It says so", when, then: { gate } }] };
}

function freezeOn(scope: Record<string, unknown>): OtherFiles {
  const window = { zone: "Etc/UTC", start: "2026-12-18T18:00", for: "16d", rrule: "FREQ=YEARLY" };
  return { freezes: [{ id: "freeze", why: "It says so", window, severity: "hard", scope }] };
}

describe("the facts that a policy may ask for", () => {
  const asks = (others: OtherFiles, when = "true") => policyOf([{ when }], undefined, {}, others).asks;

  it("are none where no rule reads one", () => {
    expect(asks(gateOn('ticket.ci == "DB-01"'))).to.deep.equal([]);
  });

  it("are those of every rule of every file, the cheapest first", () => {
    const spend = gateOn('spend.month > 500 && inGroup(ticket.requester, "Board Office")');
    expect(asks(spend, 'ci.environment == "production"')).to.deep.equal(["ci", "members", "spend"]);
    expect(asks({}, "advice.security_related")).to.deep.equal(["advice"]);
  });

  it("are the item too where a freeze names environments, though that is no expression", () => {
    expect(asks(freezeOn({ cis: ["DB-01"] }))).to.deep.equal([]);
    expect(asks(freezeOn({ environments: ["production"] }))).to.deep.equal(["ci"]);
    expect(asks(freezeOn({ when: 'ci.criticality == "1"' }))).to.deep.equal(["ci"]);
  });
});
