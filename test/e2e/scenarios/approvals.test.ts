import { expect } from "chai";
import { atDesk, type Desk, type Filed, HOUR, MINUTE, SYSTEMS, type System, type Ticket } from "./desk.ts";

const POLL = 61_000;
const DAY = 24 * HOUR;

const ROUTING = `rules:
  - { id: first, why: The most urgent go to the seniors, when: ticket.priority == 1, then: { assign: { group: Senior Engineers } } }
default: { id: rest, why: Everything else, then: { assign: { group: Network Operations } } }
`;

function gate(when: string, demand: string): string {
  return `- { id: guard, why: It needs a person, when: '${when}', then: { gate: { ${demand} } } }\n`;
}

const SECURITY = gate(
  'ticket.category.lowerAscii() == "security"',
  "approvers: { group: Security Operations }, before: [assign, resolve], binds: [title, assignmentGroup, priority], expires: 72h",
);
const CHANGES = gate(
  'ticket.kind == "change" && ticket.change.type != "standard"',
  "approvers: { group: Change Advisory Board }, before: [schedule, implement], binds: [title, change.plannedStart, change.plannedEnd], expires: 96h, sideDoor: undo",
);
const NOTHING = "[]\n";
/** Points that no change has by itself; the board sees what is called risky. */
const RISK = `factors:
  - { id: risky, why: It says so, when: 'ticket.kind == "change" && ticket.title.contains("risky")', then: { points: 900 } }
tiers: { moderate: 500, high: 800, very_high: 1000 }
cab: { from: high, approvers: { group: Change Advisory Board, need: 2 }, leadTime: 48h, expires: 96h }
`;
/** Nothing but what a scenario is about. */
const ALONE = {
  ...{ "freezes.yaml": NOTHING, "change-risk.yaml": RISK },
  ...{ "gates.test.yaml": NOTHING, "freezes.test.yaml": NOTHING, "change-risk.test.yaml": NOTHING },
};
const SECURED = { ...ALONE, "gates.yaml": SECURITY };
const CHANGED = { ...ALONE, "gates.yaml": CHANGES };

/** A scenario, once in each system. */
function scenario(
  name: string,
  policy: Record<string, string>,
  play: (desk: Desk) => Promise<void>,
  startAt?: string,
): void {
  for (const system of SYSTEMS)
    it(`${name} (${system})`, async function () {
      this.timeout(60_000);
      await atDesk(system, { policy, routing: ROUTING, ...(startAt && { startAt }) }, play);
    });
}

const SECURITY_TICKET: Filed = { kind: "incident", title: "Somebody reads my mail", category: "security" };
const CHANGE: Filed = {
  kind: "change",
  title: "New firmware",
  start: "2026-03-10T20:00:00Z",
  end: "2026-03-10T22:00:00Z",
};

async function filed(desk: Desk, what: Filed): Promise<Ticket> {
  const ticket = desk.file(what);
  await desk.settle();
  return ticket;
}

/** A change that its author has handed in, and that people are asked about. */
async function submitted(desk: Desk, what: Filed): Promise<Ticket> {
  const ticket = await filed(desk, what);
  ticket.submit();
  await desk.settle();
  await desk.pass(4_000);
  return ticket;
}

async function gateEvents(ticket: Ticket): Promise<string[]> {
  const entries = (await ticket.entries()).filter(({ kind }) => kind === "gate");
  return entries.map(({ body }) => (JSON.parse(body) as { event: string }).event); // our own strict entry
}

function group(system: System, ticket: Ticket): void {
  expect(ticket.group(), system).to.equal("Network Operations");
}

describe("Approvals in the native queues", () => {
  scenario("P1 incident: goes to those who can help at once, and nobody has to approve", SECURED, async (desk) => {
    const ticket = await filed(desk, { kind: "incident", priority: 1 });
    expect([ticket.group(), ticket.asked(), await ticket.gate()]).to.deep.equal(["Senior Engineers", [], []]);
    expect(ticket.notes()).to.have.length(1);
  });

  scenario(
    "security ticket: waits for one who may approve, who reads why and until when; then it goes on",
    SECURED,
    async (desk) => {
      const ticket = await filed(desk, SECURITY_TICKET);
      expect([ticket.group(), await ticket.gate()]).to.deep.equal(["", ["guard: requested"]]);
      await desk.pass(4_000);
      expect(ticket.asked()).to.include("ann").and.to.include("ben");
      expect(ticket.request()).to.contain("Somebody reads my mail");
      for (const part of ["It needs a person", "If you approve", "If you reject", "UTC", "Decided by rules"])
        expect(ticket.request()).to.contain(part);
      await desk.pass(POLL);
      expect(ticket.group()).to.equal("");
      ticket.answer("ann", "approved");
      await desk.pass(POLL);
      group(desk.system, ticket);
      expect(ticket.notes().filter((note) => note.includes("Approved by ANN"))).to.have.length(1);
      expect(await gateEvents(ticket)).to.deep.equal(["asked", "granted"]);
      const notes = ticket.notes().length;
      await desk.pass(DAY);
      expect(ticket.notes()).to.have.length(notes);
    },
  );

  scenario(
    "rejected: what waits does not happen, the ticket says who said no, and nobody is asked again",
    SECURED,
    async (desk) => {
      const ticket = await filed(desk, SECURITY_TICKET);
      await desk.pass(4_000);
      ticket.answer("ben", "rejected");
      await desk.pass(POLL);
      await desk.pass(DAY);
      expect([ticket.group(), ticket.asked()]).to.deep.equal(["", []]);
      expect(ticket.notes().filter((note) => note.includes("Rejected by BEN"))).to.have.length(1);
      expect(await gateEvents(ticket)).to.deep.equal(["asked", "refused"]);
    },
  );

  scenario(
    "an approval expires over a weekend: an answer on Monday is late, and a redrive asks again",
    { ...ALONE, "gates.yaml": SECURITY.replace("72h", "48h") },
    async (desk) => {
      const ticket = await filed(desk, SECURITY_TICKET);
      await desk.pass(4_000);
      await desk.pass(2 * DAY + MINUTE);
      const { parked } = await ticket.view();
      expect(parked?.reason).to.equal("approval_expired");
      expect(ticket.notes().at(-1)).to.contain("Nobody who may answer did so in time");
      expect(await gateEvents(ticket)).to.deep.equal(["asked", "expired"]);
      await desk.rig.server.store.redrive(desk.system === "Jira" ? "jira" : "snow", ticket.key, "the operator");
      await desk.settle();
      await desk.pass(4_000);
      expect(await ticket.gate()).to.deep.equal(["guard: requested"]);
      ticket.answer("ann", "approved");
      await desk.pass(POLL);
      group(desk.system, ticket);
    },
    "2026-03-06T16:00:00Z",
  );

  scenario(
    "the requester tries to approve: it does not count, the ticket says why, and it waits on",
    SECURED,
    async (desk) => {
      const ticket = await filed(desk, SECURITY_TICKET);
      await desk.pass(4_000);
      if (desk.system === "ServiceNow") {
        // Who wants it is not even asked, or the platform would take that answer for the whole group's.
        expect(ticket.asked()).to.deep.equal(["ann", "ben"]);
        return;
      }
      ticket.answer("rita", "approved");
      await desk.pass(POLL);
      expect(ticket.group()).to.equal("");
      expect(ticket.notes().filter((note) => note.includes("nobody approves their own request"))).to.have.length(1);
      expect(await gateEvents(ticket))
        .to.include("answer_refused")
        .and.not.to.include("granted");
    },
  );

  scenario("the integration account tries to approve: it is refused or does not count", SECURED, async (desk) => {
    const ticket = await filed(desk, SECURITY_TICKET);
    await desk.pass(4_000);
    const status = await ticket.answerAsBot();
    await desk.pass(POLL);
    expect(ticket.group()).to.equal("");
    if (desk.system === "ServiceNow") expect(status).to.equal(403);
    else expect(ticket.notes().join("\n")).to.contain("the integration account only asks");
    expect(await gateEvents(ticket)).not.to.include("granted");
  });

  scenario("a group approval race: of two answers at the same moment there is one outcome", SECURED, async (desk) => {
    const ticket = await filed(desk, SECURITY_TICKET);
    await desk.pass(4_000);
    ticket.answer("ann", "approved");
    try {
      ticket.answer("ben", "rejected");
    } catch {
      // The system may have closed his request already: that is its own way to have one outcome.
    }
    await desk.pass(POLL);
    await desk.pass(DAY);
    const ends = (await gateEvents(ticket)).filter((event) => event === "granted" || event === "refused");
    expect(ends).to.have.length(1);
    expect(ticket.group()).to.equal(ends[0] === "granted" ? "Network Operations" : "");
  });

  scenario(
    "edited after the approval: it is void, and asked again; the edit never rides on the old answer",
    SECURED,
    async (desk) => {
      const ticket = await filed(desk, SECURITY_TICKET);
      await desk.pass(4_000);
      ticket.answer("ann", "approved");
      ticket.edit({ title: "Somebody reads the mail of the board" });
      await desk.pass(POLL);
      expect([ticket.group(), await ticket.gate()]).to.deep.equal(["", ["guard: requested"]]);
      expect((await gateEvents(ticket)).slice(-2)).to.deep.equal(["void", "asked"]);
      expect(await gateEvents(ticket)).not.to.include("granted");
      expect(ticket.notes().join("\n")).to.contain("the approval is void");
      await desk.pass(4_000);
      ticket.answer("ben", "approved");
      await desk.pass(POLL);
      group(desk.system, ticket);
    },
  );

  scenario("edit first, then the approval, before either was seen: void all the same", SECURED, async (desk) => {
    const ticket = await filed(desk, SECURITY_TICKET);
    await desk.pass(4_000);
    ticket.edit({ title: "Somebody reads the mail of the board" });
    ticket.answer("ann", "approved");
    await desk.pass(POLL);
    expect([ticket.group(), await ticket.gate()]).to.deep.equal(["", ["guard: requested"]]);
  });

  scenario(
    "normal change: nobody is asked about a draft; the board is, once it is handed in",
    CHANGED,
    async (desk) => {
      const ticket = await filed(desk, CHANGE);
      expect([ticket.asked(), await ticket.gate()]).to.deep.equal([[], ["guard: needed"]]);
      ticket.submit();
      await desk.settle();
      await desk.pass(4_000);
      expect(ticket.asked()).to.include("ann").and.to.include("ben");
      ticket.answer("ann", "approved");
      await desk.pass(POLL);
      expect(await ticket.gate()).to.deep.equal(["guard: granted"]);
    },
  );

  scenario("rejected change: it does not go on", CHANGED, async (desk) => {
    const ticket = await submitted(desk, CHANGE);
    ticket.answer("ben", "rejected");
    await desk.pass(POLL);
    expect(await gateEvents(ticket))
      .to.include("refused")
      .and.not.to.include("granted");
    expect(["-4", "Declined"]).to.include(ticket.state());
  });

  scenario("standard change: goes without anybody", CHANGED, async (desk) => {
    const ticket = await submitted(desk, { ...CHANGE, type: "standard" });
    expect([ticket.asked(), await ticket.gate()]).to.deep.equal([[], []]);
  });

  scenario("a window that is moved after the approval is approved again", CHANGED, async (desk) => {
    const ticket = await submitted(desk, CHANGE);
    ticket.answer("ann", "approved");
    await desk.pass(POLL);
    expect(await ticket.gate()).to.deep.equal(["guard: granted"]);
    ticket.edit({ start: "2026-03-11T20:00:00Z", end: "2026-03-11T22:00:00Z" });
    await desk.settle();
    expect(await gateEvents(ticket)).to.deep.equal(["asked", "granted", "void", "asked"]);
    expect(await ticket.gate()).to.deep.equal(["guard: requested"]);
  });

  scenario("begun past the approval: it is told and put back, or held", CHANGED, async (desk) => {
    const ticket = await submitted(desk, CHANGE);
    ticket.answer("ann", "approved");
    await desk.pass(POLL);
    ticket.edit({ start: "2026-03-11T20:00:00Z", end: "2026-03-11T22:00:00Z" });
    await desk.settle();
    try {
      ticket.begin();
    } catch {
      return; // The workflow itself leaves no such door.
    }
    await desk.settle();
    expect(await gateEvents(ticket)).to.include("side_door");
    expect(ticket.notes().join("\n")).to.contain("Past the approval");
  });
});

describe("Approvals of Jira Service Management", () => {
  const inPortal = (name: string, play: (desk: Desk) => Promise<void>): void => {
    it(name, async function () {
      this.timeout(60_000);
      await atDesk("Jira Service Management", { policy: SECURED, routing: ROUTING }, play);
    });
  };

  inPortal("waits for one of the approvers in the field, whose answer counts", async (desk) => {
    const ticket = await filed(desk, SECURITY_TICKET);
    await desk.pass(4_000);
    expect([ticket.state(), ticket.group()]).to.deep.equal(["Awaiting approval", ""]);
    ticket.answer("ann", "approved");
    await desk.pass(POLL);
    group(desk.system, ticket);
    expect(await gateEvents(ticket)).to.deep.equal(["asked", "granted"]);
  });

  inPortal("is refused by one who declines", async (desk) => {
    const ticket = await filed(desk, SECURITY_TICKET);
    await desk.pass(4_000);
    ticket.answer("ben", "rejected");
    await desk.pass(POLL);
    expect([ticket.group(), await gateEvents(ticket)]).to.deep.equal(["", ["asked", "refused"]]);
  });

  inPortal("is void after an edit, and asked again", async (desk) => {
    const ticket = await filed(desk, SECURITY_TICKET);
    await desk.pass(4_000);
    ticket.answer("ann", "approved");
    ticket.edit({ title: "Somebody reads the mail of the board" });
    await desk.pass(POLL);
    expect([ticket.group(), await ticket.gate()]).to.deep.equal(["", ["guard: requested"]]);
    await desk.pass(4_000);
    ticket.answer("ben", "approved");
    await desk.pass(POLL);
    group(desk.system, ticket);
  });
});

describe("The change advisory board", () => {
  const BOARD = { ...ALONE, "gates.yaml": NOTHING };
  const RISKY: Filed = { ...CHANGE, title: "A risky firmware" };

  scenario(
    "a risky normal change: the board is asked, two of it must agree, and the platform knows the risk",
    BOARD,
    async (desk) => {
      const ticket = await submitted(desk, RISKY);
      expect(await ticket.gate()).to.deep.equal(["change-risk/cab: requested"]);
      expect((await ticket.decision()).risk).to.include({ tier: "high", by: "rules" });
      expect(ticket.request()).to.contain("Risk: high").and.to.contain("It says so");
      expect(ticket.field("changeRisk")).to.equal(desk.system === "Jira" ? "High" : "2");
      expect(ticket.field("cabRequired")).to.be.oneOf(["true", "Yes"]);
      ticket.answer("ann", "approved");
      await desk.pass(POLL);
      await desk.pass(4_000);
      expect(await ticket.gate()).to.deep.equal(["change-risk/cab: requested"]);
      if (desk.system === "Jira") expect(ticket.state()).to.equal("Awaiting approval");
      ticket.answer("ben", "approved");
      await desk.pass(POLL);
      expect(await ticket.gate()).to.deep.equal(["change-risk/cab: granted"]);
      expect(ticket.notes().join("\n")).to.contain("Approved by ANN, BEN");
      const events = await gateEvents(ticket);
      expect(events).to.include("granted").and.not.to.include("side_door");
      expect(events.includes("reopened")).to.equal(desk.system === "Jira");
    },
  );

  scenario("too soon for the board: it is held, and nobody is asked before the window moves", BOARD, async (desk) => {
    const ticket = await submitted(desk, { ...RISKY, start: "2026-03-03T20:00:00Z", end: "2026-03-03T22:00:00Z" });
    const { holds, gates } = await ticket.decision();
    expect([holds.map(({ rule }) => rule), gates]).to.deep.equal([["change-risk/lead-time"], []]);
    ticket.edit({ start: "2026-03-10T20:00:00Z", end: "2026-03-10T22:00:00Z" });
    await desk.settle();
    expect(await ticket.gate()).to.deep.equal(["change-risk/cab: requested"]);
  });
});

const FROZEN = {
  ...ALONE,
  "gates.yaml": NOTHING,
  "freezes.yaml": `- id: hard
  why: The books are closed
  window: { zone: Etc/UTC, start: "2026-03-09T00:00", end: "2026-03-12T00:00" }
  scope: { when: ticket.change.type != "emergency" }
  severity: hard
- id: soft
  why: Even an emergency needs the board
  window: { zone: Etc/UTC, start: "2026-03-09T00:00", end: "2026-03-12T00:00" }
  scope: { when: ticket.change.type == "emergency" }
  severity: soft
  override: { approvers: { group: Change Management }, expires: 12h }
`,
};

describe("Freezes", () => {
  scenario("an emergency change in a freeze goes on once its override is approved", FROZEN, async (desk) => {
    const ticket = await submitted(desk, { ...CHANGE, type: "emergency" });
    expect(await ticket.gate()).to.deep.equal(["soft: requested"]);
    ticket.answer("cleo", "approved");
    await desk.pass(POLL);
    expect(await ticket.gate()).to.deep.equal(["soft: granted"]);
    expect(await gateEvents(ticket)).to.deep.equal(["asked", "granted"]);
  });

  scenario("a normal change in a hard freeze is held, and decided anew when its window moves", FROZEN, async (desk) => {
    const ticket = await submitted(desk, CHANGE);
    expect((await ticket.decision()).holds.map(({ rule }) => rule)).to.deep.equal(["hard"]);
    ticket.edit({ start: "2026-03-16T20:00:00Z", end: "2026-03-16T22:00:00Z" });
    await desk.settle();
    expect((await ticket.decision()).holds).to.deep.equal([]);
  });
});
