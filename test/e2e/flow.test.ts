import { expect } from "chai";
import { expectLedgerHolds, expectRouted, onStage } from "./stage.ts";

describe("A ticket from its webhook to its note", () => {
  for (const connection of ["snow", "jira"] as const) {
    it(`gets its group and one note that says why, and the ledger tells it in order (${connection})`, async () => {
      await onStage({}, async (stage) => {
        const ticket = stage[connection]();
        await stage.rig.settled();
        expectRouted(ticket);
        const [note = ""] = ticket.notes();
        expect(note).to.contain("Assignment group: (empty) -> Network Operations");
        expect(note).to.contain(
          "Because: Network and VPN trouble goes to Network Operations (rule network-to-network-operations)",
        );

        const told = (await stage.entries(ticket)).filter(({ kind }, index) => index === 0 || kind !== "signal");
        expect(told.map(({ kind }) => kind)).to.deep.equal([
          "signal",
          "decision",
          "action",
          "action",
          "receipt",
          "receipt",
        ]);
        const [, decision, set, written, ...receipts] = told.map(({ body }): unknown => JSON.parse(body));
        expect(decision).to.deep.include({ mode: "act", set: { assignmentGroup: "Network Operations" }, holds: [] });
        expect(set).to.include({ kind: "set", field: "assignmentGroup", before: "", after: "Network Operations" });
        expect(written).to.have.property("kind", "note");
        expect(written)
          .to.have.property("marker")
          .that.satisfies((marker: string) => note.includes(marker));
        for (const receipt of receipts) expect(receipt).to.have.property("outcome", "applied");
        await expectLedgerHolds(stage);
      });
    });
  }

  it("works for changes and requests as for incidents", async () => {
    await onStage({}, async ({ rig }) => {
      const change = rig.snow.insert("change_request", { short_description: "New switch" }, { by: "abel.tuter" });
      const item = rig.snow.insert("sc_req_item", { short_description: "A mouse" }, { by: "abel.tuter" });
      const issue = rig.jira.create("CHG", { summary: "New switch", issuetype: "Change" }, { by: "5b10-abel" });
      await rig.settled();
      expect(rig.snow.get("change_request", change.sys_id)).to.include({
        assignment_group: rig.snow.group("Change Management"),
      });
      expect(rig.snow.get("sc_req_item", item.sys_id)).to.include({
        assignment_group: rig.snow.group("Request Fulfilment"),
      });
      expect(rig.jira.get(issue.id)?.fields["customfield_10101"]).to.include({ name: "Change Management" });
    });
  });

  it("leaves a ticket alone that has the right group already, and records why", async () => {
    await onStage({}, async (stage) => {
      const ticket = stage.jira({ customfield_10101: "Network Operations" });
      await stage.rig.settled();
      expect(ticket.notes()).to.be.empty;
      expect(await stage.kinds(ticket)).to.deep.equal(["signal", "decision"]);
    });
  });

  it("leaves a ticket alone whose group a person chose before us", async () => {
    await onStage({}, async (stage) => {
      const tickets = [
        stage.jira({ customfield_10101: "Workplace Hardware" }),
        stage.snow({ assignment_group: stage.rig.snow.group("Workplace Hardware") }),
      ];
      await stage.rig.settled();
      for (const ticket of tickets) {
        expect(ticket.group()).to.equal("Workplace Hardware");
        expect(ticket.notes()).to.be.empty;
      }
    });
  });

  it("follows its own earlier choice when the ticket changes, with a note for each", async () => {
    await onStage({}, async (stage) => {
      const ticket = stage.jira({ summary: "VPN is down" });
      await stage.rig.settled();
      stage.rig.jira.update(ticket.id, { summary: "Printer on fire" }, { by: "5b10-abel" });
      await stage.rig.settled();
      expect(ticket.group()).to.equal("Workplace Hardware");
      expect(ticket.notes()).to.have.length(2);
      expect(ticket.notes()[1]).to.contain("Network Operations -> Workplace Hardware");
    });
  });

  it("says nothing a second time however often the vendor tells of it", async () => {
    await onStage({}, async (stage) => {
      const tickets = [stage.jira(), stage.snow()];
      await stage.rig.settled();
      for (let round = 0; round < 3; round += 1) {
        for (const ticket of tickets) ticket.touch();
        await stage.rig.settled();
      }
      for (const ticket of tickets) {
        expectRouted(ticket);
        expect((await stage.kinds(ticket)).filter((kind) => kind === "decision")).to.have.length(1);
      }
    });
  });

  it("takes its own echo from Jira for what it is: nothing to do", async () => {
    await onStage({}, async (stage) => {
      const ticket = stage.jira();
      await stage.rig.settled();
      const signals = (await stage.kinds(ticket)).filter((kind) => kind === "signal");
      expect(signals, "the creation, our edit and our comment").to.have.length(3);
      expect(stage.calls("jira", /^(PUT|POST .*comment)/), "fields and note in one call").to.have.length(1);
      expect((await stage.kinds(ticket)).filter((kind) => kind === "decision")).to.have.length(1);
      expectRouted(ticket);
    });
  });
});

describe("Modes", () => {
  it("observe writes nothing and records the decision", async () => {
    await onStage({ mode: "observe" }, async (stage) => {
      const tickets = [stage.jira(), stage.snow()];
      await stage.rig.settled();
      for (const ticket of tickets) {
        ticket.touch();
        await stage.rig.settled();
        expect(ticket.group()).to.equal("");
        expect(ticket.notes()).to.be.empty;
        expect((await stage.kinds(ticket)).filter((kind) => kind !== "signal")).to.deep.equal(["decision"]);
        const view = await stage.rig.server.store.view(ticket.connection, ticket.key);
        expect(view?.decision?.set).to.deep.equal({ assignmentGroup: "Network Operations" });
      }
      const written = [
        ...stage.calls("snow", /^(PATCH|PUT|POST)/),
        ...stage.calls("jira", /^(PUT|POST (?!.*bulkfetch))/),
      ];
      expect(written).to.be.empty;
    });
  });

  it("suggest writes one note and no field, once however often the ticket is told of", async () => {
    await onStage({ mode: "suggest" }, async (stage) => {
      const tickets = [stage.jira(), stage.snow()];
      await stage.rig.settled();
      for (let round = 0; round < 3; round += 1) {
        for (const ticket of tickets) ticket.touch();
        await stage.rig.settled();
      }
      for (const ticket of tickets) {
        expect(ticket.group()).to.equal("");
        expect(ticket.notes()).to.have.length(1);
        expect(ticket.notes()[0])
          .to.contain("Interlock suggests (nothing was changed):")
          .and.to.contain("-> Network Operations");
      }
    });
  });

  it("suggest speaks again when it would do something else", async () => {
    await onStage({ mode: "suggest" }, async (stage) => {
      const ticket = stage.jira();
      await stage.rig.settled();
      stage.rig.jira.update(ticket.id, { summary: "Printer on fire" }, { by: "5b10-abel" });
      await stage.rig.settled();
      expect(ticket.notes()).to.have.length(2);
      expect(ticket.notes()[1]).to.contain("-> Workplace Hardware");
    });
  });

  it("a switch from observe to act takes effect at the next look, and back at once", async () => {
    await onStage({ mode: "observe" }, async (stage) => {
      const ticket = stage.jira();
      await stage.rig.settled();
      stage.rig.server.setMode("act");
      ticket.touch();
      await stage.rig.settled();
      expectRouted(ticket);
      stage.rig.server.setMode("observe");
      const later = stage.jira();
      await stage.rig.settled();
      expect(later.notes()).to.be.empty;
    });
  });
});
