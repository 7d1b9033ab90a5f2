import { expect } from "chai";
import { expectLedgerHolds, onStage, type Stage, type Ticket, until } from "./stage.ts";

const THEIRS = "Security Operations";
const HISTORY = { snow: /sys_audit/, jira: /changelog/ };
const WRITE = { snow: "PATCH", jira: "PUT" };

/** A ticket that a person assigns at the very moment at which we do; ours arrives last. */
async function racedTicket(stage: Stage, connection: "snow" | "jira"): Promise<Ticket> {
  const method = WRITE[connection];
  stage.rig[connection].faults.add({ method, path: /./, kind: "delay", delayMs: 150 });
  const ticket = stage[connection]();
  await until("our write is on its way", () => stage.calls(connection, new RegExp(`^${method}`)).length > 0);
  ticket.assign(THEIRS);
  return ticket;
}

async function expectGivenBack(stage: Stage, ticket: Ticket): Promise<void> {
  expect(ticket.group()).to.equal(THEIRS);
  expect(ticket.notes().filter((note) => note.includes("put back what a person had set"))).to.have.length(1);
  const view = await stage.rig.server.store.view(ticket.connection, ticket.key);
  expect(view?.fields.assignmentGroup).to.include({ theirs: true });
  expect(view?.actions.filter(({ state }) => state === "open")).to.deep.equal([]);
  expect(view?.skips).to.deep.equal([{ field: "assignmentGroup", reason: "owned_by_person" }]);
  await expectLedgerHolds(stage);
}

describe("A person's edit under our write", () => {
  for (const connection of ["snow", "jira"] as const) {
    it(`is found and put back by the process after the one that died before it could look (${connection})`, async () => {
      await onStage({}, async (stage) => {
        stage.rig[connection].faults.add({ path: HISTORY[connection], kind: "hang", times: 1 });
        const ticket = await racedTicket(stage, connection);
        await until("the history is asked", () => stage.calls(connection, HISTORY[connection]).length > 0);
        expect(ticket.group(), "ours stands on top of theirs").to.equal("Network Operations");
        await stage.rig.restart();
        await stage.rig.settled();
        await expectGivenBack(stage, ticket);
      });
    });

    it(`is put back as soon as the history can be read again (${connection})`, async () => {
      await onStage({}, async (stage) => {
        stage.rig[connection].faults.add({ path: HISTORY[connection], kind: "status", status: 503, times: 3 });
        const ticket = await racedTicket(stage, connection);
        await stage.rig.settled();
        await expectGivenBack(stage, ticket);
      });
    });

    it(`overwrote_person: that the vendor will not let us put back waits for a person, and is not forgotten (${connection})`, async () => {
      await onStage({}, async (stage) => {
        const { faults } = stage.rig[connection];
        faults.add({ method: WRITE[connection], path: /./, kind: "status", status: 403, skip: 1, times: 5 });
        const ticket = await racedTicket(stage, connection);
        stage.rig[connection].webhooks.enabled = false;
        await until("it is parked", async () => (await stage.rig.server.store.parked(1)).length > 0);
        const [parked] = await stage.rig.server.store.parked(1);
        expect(parked).to.include({ reason: "overwrote_person", ticket: ticket.name });
        faults.clear();
        await stage.rig.server.store.redrive(connection, ticket.id, "test");
        await stage.rig.settled();
        await expectGivenBack(stage, ticket);
      });
    });
  }

  it("is put back after a write whose answer was lost (ServiceNow)", async () => {
    await onStage({}, async (stage) => {
      const { faults } = stage.rig.snow;
      // The look-up of the group stands between the reading and the write, and is slow.
      faults.add({ path: /sys_user_group/, kind: "delay", delayMs: 150 });
      faults.add({ method: "PATCH", path: /./, kind: "apply-then-reset" });
      const ticket = stage.snow();
      await until("the group is looked up", () => stage.calls("snow", /sys_user_group/).length > 0);
      ticket.assign(THEIRS);
      await stage.rig.settled();
      await expectGivenBack(stage, ticket);
    });
  });

  it("is put back after an edit whose comment failed (Jira)", async () => {
    await onStage({}, async (stage) => {
      stage.rig.jira.faults.editWithoutComment = true;
      stage.rig.jira.faults.add({ method: "POST", path: /comment$/, kind: "reset" });
      const ticket = await racedTicket(stage, "jira");
      await stage.rig.settled();
      await expectGivenBack(stage, ticket);
    });
  });

  it("history_unreadable: that cannot be looked for waits for a person, whose redrive ends it", async () => {
    await onStage({ limits: { attemptsMax: 3 } }, async (stage) => {
      stage.rig.snow.faults.auditHidden = true;
      const ticket = await racedTicket(stage, "snow");
      stage.rig.snow.webhooks.enabled = false;
      const { store } = stage.rig.server;
      await until("it is parked", async () => (await store.parked(1)).length > 0);
      expect((await store.parked(1))[0]).to.include({ reason: "history_unreadable", key: ticket.key });
      await store.redrive("snow", ticket.key, "test");
      stage.rig.server.loop.wake();
      await stage.rig.settled();
      expect(await store.counts()).to.include({ parked: 0 });
      expect((await store.view("snow", ticket.key))?.actions.filter(({ state }) => state === "open")).to.deep.equal([]);
    });
  });
});

describe("One issue that Jira cannot read just now", () => {
  it("waits alone: the others of the same read go on", async () => {
    await onStage({ limits: { settleMs: 100 } }, async (stage) => {
      const tickets = Array.from({ length: 5 }, () => stage.jira());
      const unread = tickets[0]?.id ?? "";
      const others = tickets.slice(1);
      const issues = others.map(({ id }) => stage.rig.jira.get(id));
      const body = { expand: "", issues, issueErrors: [{ id: unread, errorMessage: "Try again" }] };
      stage.rig.jira.faults.add({ method: "POST", path: /bulkfetch/, kind: "status", status: 200, body });
      await stage.rig.settled();
      for (const ticket of tickets) expect(ticket.group()).to.equal("Network Operations");
      // Without the trouble of one, no second read of the others would have been needed before they were written.
      const [first] = stage.calls("jira", /^PUT/);
      const reads = stage.calls("jira", /bulkfetch/).filter(({ atMs }) => atMs <= (first?.atMs ?? 0));
      expect(reads.length).to.be.lessThan(3);
    });
  });
});

describe("A switch from observe to suggest", () => {
  it("suggests for tickets whose decision is known already", async () => {
    await onStage({ mode: "observe" }, async (stage) => {
      const ticket = stage.snow();
      await stage.rig.settled();
      expect(ticket.notes()).to.deep.equal([]);
      stage.rig.config.settings.mode = "suggest";
      await stage.rig.restart();
      for (let round = 0; round < 2; round += 1) {
        ticket.touch();
        await stage.rig.settled();
      }
      expect(ticket.notes()).to.have.length(1);
      expect(ticket.notes()[0]).to.contain("Interlock suggests");
    });
  });
});
