import { expect } from "chai";
import { SETTINGS, SNOW } from "../support/config-files.ts";
import { checkedOf, FREEZES, FREEZES_TESTS, GATES, GATES_TESTS, SOUND_POLICY } from "../support/policy-files.ts";

const APPROVALS =
  "    approvals: { type: status, status: Awaiting approval, approve: [Scheduled], decline: [Declined] }\n";
/** No gate and no freeze. */
const NONE = { ...SOUND_POLICY, [GATES]: "[]\n", [GATES_TESTS]: "[]\n", [FREEZES]: "[]\n", [FREEZES_TESTS]: "[]\n" };

function gate(when: string): string {
  return `- id: one
  why: A person looks at it
  when: '${when}'
  then: { gate: { approvers: { group: Desk }, before: [assign], binds: [title], expires: 1h } }
`;
}

function unaskable(texts: typeof SOUND_POLICY): readonly string[] {
  return checkedOf(texts).unaskable;
}

describe("connections in which nobody can be asked", () => {
  it("are those of Jira without approvals, where a gate may match their tickets", () => {
    expect(unaskable({ ...NONE, [GATES]: gate("ticket.priority == 1") })).to.deep.equal(["jira"]);
    expect(unaskable({ ...NONE, [GATES]: gate('ticket.connection == "jira"') })).to.deep.equal(["jira"]);
  });

  it("are none where approvals are set", () => {
    const settings = `${SOUND_POLICY[SETTINGS]}${APPROVALS}`;
    expect(unaskable({ ...NONE, [SETTINGS]: settings, [GATES]: gate("ticket.priority == 1") })).to.deep.equal([]);
  });

  it("are none where no rule asks about their tickets", () => {
    expect(unaskable(NONE)).to.deep.equal([]);
    expect(unaskable({ ...NONE, [GATES]: gate('ticket.connection == "snow"') })).to.deep.equal([]);
    expect(unaskable({ ...NONE, [GATES]: gate('ticket.kind == "change"') })).to.deep.equal([]);
  });

  it("are those that a soft freeze may ask in, and not those of other kinds", () => {
    const freeze = (kinds: string): string => `- id: fridays
  why: Nobody is there
  window: { zone: Europe/Berlin, start: 2026-01-02T14:00, for: 10h, rrule: FREQ=WEEKLY;BYDAY=FR }
  scope: { kinds: [${kinds}] }
  severity: soft
  override: { approvers: { group: Change Management }, expires: 24h }
`;
    expect(unaskable({ ...NONE, [FREEZES]: freeze("incident") })).to.deep.equal(["jira"]);
    expect(unaskable({ ...NONE, [FREEZES]: freeze("change") })).to.deep.equal([]);
  });

  it("are not looked for in a configuration that does not load", () => {
    expect(unaskable({ ...SOUND_POLICY, [SNOW]: "vendor: servicenow\n" })).to.deep.equal([]);
  });
});
