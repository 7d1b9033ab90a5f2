import { expect } from "chai";
import type { FaultSpec } from "../sim/faults.ts";
import { expectLedgerHolds, expectRouted, onStage, type Stage, type Ticket } from "./stage.ts";

/** A note that Jira's edit screen does not take goes out by itself. */
const APART = "Jira's comment";

const CALLS: Record<string, { connection: "snow" | "jira"; request: Pick<FaultSpec, "method" | "path"> }> = {
  "ServiceNow's update": { connection: "snow", request: { method: "PATCH", path: /./ } },
  "Jira's edit": { connection: "jira", request: { method: "PUT", path: /./ } },
  [APART]: { connection: "jira", request: { method: "POST", path: /comment$/ } },
};

async function outcomes(stage: Stage, ticket: Ticket): Promise<string[]> {
  const receipts = (await stage.entries(ticket)).filter(({ kind }) => kind === "receipt");
  return receipts.map(({ body }) => /"outcome":"([a-z]+)"/.exec(body)?.[1] ?? "");
}

describe("A write that was done although its answer was lost", () => {
  for (const [name, { connection, request }] of Object.entries(CALLS)) {
    for (const kind of ["apply-then-reset", "apply-then-hang"] as const) {
      it(`is read back and not done again: ${name}, ${kind}`, async () => {
        await onStage({ limits: { callTimeoutMs: 100 } }, async (stage) => {
          stage.rig.jira.faults.editWithoutComment = name === APART;
          stage.rig[connection].faults.add({ ...request, kind });
          const ticket = stage[connection]();
          await stage.rig.settled();
          expectRouted(ticket);
          expect(await outcomes(stage, ticket)).to.include("found");
          const view = await stage.rig.server.store.view(connection, ticket.key);
          expect(view?.fields.assignmentGroup).to.include({ wrote: "Network Operations", theirs: false });
          await expectLedgerHolds(stage);
        });
      });
    }

    it(`is done again where it had no effect: ${name}, reset`, async () => {
      await onStage({}, async (stage) => {
        stage.rig.jira.faults.editWithoutComment = name === APART;
        stage.rig[connection].faults.add({ ...request, kind: "reset" });
        const ticket = stage[connection]();
        await stage.rig.settled();
        expectRouted(ticket);
        expect(await outcomes(stage, ticket))
          .to.include("abandoned")
          .and.to.include("applied");
      });
    });
  }

  it("is not touched before the vendor has had its time to apply it", async () => {
    await onStage({ limits: { unknownOutcomeWaitMs: 400, callTimeoutMs: 100 } }, async (stage) => {
      stage.rig.snow.faults.add({ method: "PATCH", path: /./, kind: "hang" });
      const ticket = stage.snow();
      await stage.rig.settled();
      expectRouted(ticket);
      const [first, second] = stage.calls("snow", /^PATCH/);
      expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).to.be.at.least(400);
    });
  });

  it("is taken as written, once, where the journal cannot be read", async () => {
    await onStage({}, async (stage) => {
      stage.rig.snow.faults.journalHidden = true;
      stage.rig.snow.faults.add({ method: "PATCH", path: /./, kind: "apply-then-reset" });
      const ticket = stage.snow();
      await stage.rig.settled();
      expectRouted(ticket);
      expect(await outcomes(stage, ticket)).to.deep.equal(["found", "unconfirmed"]);
    });
  });

  it("of many tickets at once, each is judged by itself", async () => {
    await onStage({}, async (stage) => {
      stage.rig.jira.faults.editWithoutComment = true;
      stage.rig.jira.faults.add({ method: "POST", path: /comment$/, kind: "apply-then-reset", times: 4 });
      stage.rig.jira.faults.add({ method: "POST", path: /comment$/, kind: "reset", times: 4 });
      const tickets = Array.from({ length: 16 }, () => stage.jira());
      await stage.rig.settled();
      for (const ticket of tickets) expectRouted(ticket);
      expect(await stage.rig.server.store.counts()).to.include({ parked: 0 });
    });
  });
});

/** Edits that were accepted. */
const done = (stage: Stage) => stage.calls("jira", /^PUT/).filter(({ status }) => status === 204);

describe("A Jira edit whose comment fails", () => {
  it("is told of once, later, when the trouble passes by itself", async () => {
    await onStage({}, async (stage) => {
      stage.rig.jira.faults.editWithoutComment = true;
      stage.rig.jira.faults.add({ method: "POST", path: /comment$/, kind: "status", status: 503, times: 2 });
      const ticket = stage.jira();
      await stage.rig.settled();
      expectRouted(ticket);
      expect(done(stage), "the edit is not done again").to.have.length(1);
    });
  });

  it("is told of once, after a person has given the right to comment and redriven the ticket", async () => {
    await onStage({}, async (stage) => {
      const { jira, server } = stage.rig;
      jira.faults.editWithoutComment = true;
      jira.faults.add({ method: "POST", path: /comment$/, kind: "status", status: 400, times: 50 });
      const ticket = stage.jira();
      await stage.rig.settled();
      expect(ticket.group()).to.equal("Network Operations");
      expect(ticket.notes()).to.be.empty;
      const [parked] = await server.store.parked(10);
      expect(parked).to.include({ reason: "rejected", key: ticket.key });

      jira.faults.clear();
      await server.store.redrive("jira", ticket.key, "test");
      server.loop.wake();
      await stage.rig.settled();
      expectRouted(ticket);
      expect(done(stage)).to.have.length(1);
      ticket.touch();
      await stage.rig.settled();
      expectRouted(ticket);
      await expectLedgerHolds(stage);
    });
  });

  it("and that a person has changed meanwhile is theirs", async () => {
    await onStage({}, async (stage) => {
      const { jira, server } = stage.rig;
      jira.faults.editWithoutComment = true;
      jira.faults.add({ method: "POST", path: /comment$/, kind: "status", status: 400, times: 50 });
      const ticket = stage.jira();
      await stage.rig.settled();
      jira.faults.clear();
      jira.webhooks.enabled = false;
      ticket.assign("Security Operations");
      await server.store.redrive("jira", ticket.key, "test");
      server.loop.wake();
      await stage.rig.settled();
      expect(ticket.group()).to.equal("Security Operations");
    });
  });
});
