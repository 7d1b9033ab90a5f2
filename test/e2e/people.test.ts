import { expect } from "chai";
import { expectLedgerHolds, expectRouted, onStage, type Stage, type Ticket, until } from "./stage.ts";

const THEIRS = "Security Operations";

/** Touches the ticket three times and lets each be looked at. */
async function tellThrice(stage: Stage, ticket: Ticket): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    ticket.touch();
    await stage.rig.settled();
  }
}

describe("A person's edit wins", () => {
  for (const connection of ["snow", "jira"] as const) {
    it(`when it comes after ours, also after three more webhooks and a restart (${connection})`, async () => {
      await onStage({}, async (stage) => {
        const ticket = stage[connection]();
        await stage.rig.settled();
        ticket.assign(THEIRS);
        await stage.rig.settled();
        await tellThrice(stage, ticket);
        await stage.rig.restart();
        await tellThrice(stage, ticket);
        expect(ticket.group()).to.equal(THEIRS);
        expect(ticket.notes()).to.have.length(1);
        const view = await stage.rig.server.store.view(connection, ticket.key);
        expect(view?.fields.assignmentGroup).to.include({ theirs: true });
      });
    });

    it(`when the rules change their mind about the ticket later (${connection})`, async () => {
      await onStage({}, async (stage) => {
        const ticket = stage[connection]();
        await stage.rig.settled();
        ticket.assign(THEIRS);
        await stage.rig.settled();
        if (connection === "jira")
          stage.rig.jira.update(ticket.id, { summary: "Printer on fire" }, { by: "5b10-abel" });
        else
          stage.rig.snow.update("incident", ticket.id, { short_description: "Printer on fire" }, { by: "abel.tuter" });
        await stage.rig.settled();
        expect(ticket.group()).to.equal(THEIRS);
        expect(ticket.notes()).to.have.length(1);
      });
    });

    it(`also where we know our own write only from reading it back (${connection})`, async () => {
      await onStage({}, async (stage) => {
        stage.rig[connection].faults.add({
          method: connection === "snow" ? "PATCH" : "PUT",
          path: /./,
          kind: "apply-then-reset",
        });
        const ticket = stage[connection]();
        await stage.rig.settled();
        expectRouted(ticket);
        const view = await stage.rig.server.store.view(connection, ticket.key);
        expect(view?.fields.assignmentGroup, "our own value must be known as ours").to.include({
          wrote: "Network Operations",
          theirs: false,
        });
        ticket.assign(THEIRS);
        await stage.rig.settled();
        await tellThrice(stage, ticket);
        expect(ticket.group()).to.equal(THEIRS);
      });
    });
  }

  it("when it comes between our reading and our write: ServiceNow", async () => {
    await onStage({ limits: { staleReadMs: 0 } }, async (stage) => {
      const { snow } = stage.rig;
      // The look-up of the group stands between the reading and the write, and is slow.
      snow.faults.add({ path: /sys_user_group/, kind: "delay", delayMs: 150 });
      const ticket = stage.snow();
      await until("the group is looked up", () => stage.calls("snow", /sys_user_group/).length > 0);
      ticket.assign(THEIRS);
      await stage.rig.settled();
      expect(ticket.group()).to.equal(THEIRS);
      expect(ticket.notes(), "nothing was written on top of it").to.be.empty;
      expect(stage.calls("snow", /^PATCH/)).to.be.empty;
      const receipts = (await stage.entries(ticket)).filter(({ kind }) => kind === "receipt");
      expect(receipts).to.have.length(2);
      for (const { body } of receipts) expect(body).to.contain('"outcome":"abandoned"');
    });
  });

  it("when it comes between our reading and our write: Jira", async () => {
    await onStage({ limits: { staleReadMs: 0 } }, async (stage) => {
      stage.rig.jira.faults.add({ method: "GET", path: /issue\/\d+\?/, kind: "delay", delayMs: 150 });
      const ticket = stage.jira();
      await until("the issue is looked at again", () => stage.calls("jira", /^GET .*issue\/\d+\?/).length > 0);
      ticket.assign(THEIRS);
      await stage.rig.settled();
      expect(ticket.group()).to.equal(THEIRS);
      expect(ticket.notes()).to.be.empty;
      expect(stage.calls("jira", /^PUT/)).to.be.empty;
    });
  });

  for (const connection of ["snow", "jira"] as const) {
    it(`even in the moment of our write, which the vendors cannot refuse: it is put back (${connection})`, async () => {
      await onStage({}, async (stage) => {
        const writes = connection === "snow" ? /^PATCH/ : /^PUT/;
        stage.rig[connection].faults.add({
          method: connection === "snow" ? "PATCH" : "PUT",
          path: /./,
          kind: "delay",
          delayMs: 150,
        });
        const ticket = stage[connection]();
        await until("our write is on its way", () => stage.calls(connection, writes).length > 0);
        ticket.assign(THEIRS);
        await stage.rig.settled();
        expect(ticket.group()).to.equal(THEIRS);
        expect(ticket.notes()).to.have.length(2);
        expect(ticket.notes()[1]).to.contain("put back what a person had set: Assignment group");
        await tellThrice(stage, ticket);
        expect(ticket.group()).to.equal(THEIRS);
        expect(ticket.notes()).to.have.length(2);
        await expectLedgerHolds(stage);
      });
    });
  }
});
