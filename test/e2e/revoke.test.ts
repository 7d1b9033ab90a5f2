import { expect } from "chai";
import { REVOKED } from "../../core/revocation.ts";
import type { RevocationView, RevokedView } from "../../core/store/undoing.ts";
import { ADMIN_TOKEN } from "../support/rig.ts";
import { BETH, expectLedgerHolds, expectRouted, onStage, type Stage, type Ticket, until } from "./stage.ts";

const RULE = "network-to-network-operations";

/** Asks the server as the command does. */
async function ask(stage: Stage, method: "GET" | "POST", path: string): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const answer = await fetch(`${stage.rig.server.url}${path}`, { method, headers });
  return { status: answer.status, body: await answer.json() };
}

async function revoke(stage: Stage, query: string): Promise<string> {
  const { status, body } = await ask(stage, "POST", `/api/revocations?${query}`);
  expect(status, JSON.stringify(body)).to.equal(202);
  return (body as { id: string }).id; // a 202 has one
}

/** Waits until nothing of it is left to do. */
async function carriedOut(stage: Stage, id: string, withinMs = 30_000): Promise<RevocationView> {
  let view: RevocationView | undefined;
  await until(
    `revocation ${id} is done`,
    async () => {
      view = await stage.rig.server.store.revocation(id);
      return view?.wanted === 0;
    },
    withinMs,
  );
  await stage.rig.settled();
  if (!view) throw new Error(`there is no revocation ${id}`);
  return view;
}

function keptOf(stage: Stage, id: string): Promise<RevokedView[]> {
  return stage.rig.server.store.revokedActions(id, { states: ["kept"], after: "", limit: 1_000 });
}

describe("Revoking", () => {
  for (const connection of ["snow", "jira"] as const) {
    it(`puts a field back, corrects its note, and the rule does not set it again (${connection})`, async () => {
      await onStage({}, async (stage) => {
        const ticket = stage[connection]();
        await stage.rig.settled();
        expectRouted(ticket);
        const id = await revoke(stage, `rule=${RULE}&by=ann&reason=a+wrong+rule`);
        const view = await carriedOut(stage, id);
        expect(view).to.include({ wanted: 0, restored: 1, corrected: 1, kept: 0 });
        expect(ticket.group()).to.equal("");
        const [first, correction = "", ...more] = ticket.notes();
        expect(first).to.contain("(empty) -> Network Operations");
        expect(more).to.be.empty;
        expect(correction).to.contain("Interlock took back what it did here");
        expect(correction).to.contain("Assignment group: Network Operations -> (empty)");
        expect(correction).to.contain(`Revoked by ann: a wrong rule (revocation ${id})`);
        expect(correction).to.contain(`rule ${RULE}`);

        ticket.touch();
        await stage.rig.settled();
        expect(ticket.group(), "the same rule does not set it again").to.equal("");
        expect(ticket.notes()).to.have.length(2);
        const own = (await stage.entries(ticket)).filter(({ body }) => body.includes(`["${REVOKED}",`));
        expect(own.map(({ kind }) => kind)).to.deep.equal(["action", "action"]);
        expect(await stage.kinds(ticket)).to.include("revoked");
        await expectLedgerHolds(stage);
      });
    });

    it(`leaves what a person has changed since, and says so (${connection})`, async () => {
      await onStage({}, async (stage) => {
        const ticket = stage[connection]();
        await stage.rig.settled();
        ticket.assign("Workplace Hardware");
        const id = await revoke(stage, `rule=${RULE}`);
        expect(await carriedOut(stage, id)).to.include({ restored: 0, corrected: 1, kept: 1 });
        expect(ticket.group()).to.equal("Workplace Hardware");
        const [kept] = await keptOf(stage, id);
        expect(kept).to.include({ key: ticket.key, field: "assignmentGroup", reason: "somebody has changed it since" });
        expect(ticket.notes().at(-1)).to.contain("Assignment group stays as it is: somebody has changed it since.");
      });
    });

    it(`gives back what a person sets at the same moment (${connection})`, async () => {
      await onStage({ limits: { staleReadMs: 60_000 } }, async (stage) => {
        const ticket = stage[connection]();
        await stage.rig.settled();
        const path = connection === "snow" ? /table\/incident/ : /bulkfetch/;
        const before = stage.calls(connection, path).length;
        let edited = false;
        // Between our read and our write.
        const watching = until("the read", () => {
          const read = stage.calls(connection, path).length;
          if (read > before && !edited) {
            ticket.assign("Workplace Hardware");
            edited = true;
          }
          return edited;
        });
        const id = await revoke(stage, `rule=${RULE}`);
        await watching;
        await carriedOut(stage, id);
        expect(ticket.group()).to.equal("Workplace Hardware");
        await expectLedgerHolds(stage);
      });
    });
  }

  it("goes back over several writes of the same field, and keeps what a later decision set", async () => {
    await onStage({}, async (stage) => {
      const [both, early] = [stage.snow(), stage.snow()];
      await stage.rig.settled();
      for (const { id } of [both, early])
        stage.rig.snow.update("incident", id, { short_description: "Printer on fire" }, BETH.snow);
      await stage.rig.settled();
      for (const ticket of [both, early]) expect(ticket.group()).to.equal("Workplace Hardware");
      const view = await stage.rig.server.store.view("snow", early.key);
      const first = view?.actions.find(({ after }) => after === "Network Operations")?.id;
      const { status, body } = await ask(stage, "POST", `/api/actions/${first}/revoke`);
      expect(status).to.equal(202);
      const one = await carriedOut(stage, (body as { id: string }).id); // a 202 has one
      expect(one).to.include({ restored: 0, corrected: 0, kept: 1 });
      expect(early.group()).to.equal("Workplace Hardware");

      const id = await revoke(stage, "since=2020-01-01T00:00:00Z");
      const all = await carriedOut(stage, id);
      expect(all).to.include({ restored: 3, corrected: 4, kept: 0 });
      expect(both.group()).to.equal("");
      expect(early.group(), "with the one that was kept for the later one's sake").to.equal("");
    });
  });

  it("lists a ticket that is gone, and says that nothing is left to do at the second run", async () => {
    await onStage({}, async (stage) => {
      const ticket = stage.snow();
      await stage.rig.settled();
      ticket.remove();
      const id = await revoke(stage, `rule=${RULE}`);
      expect(await carriedOut(stage, id)).to.include({ restored: 0, corrected: 0, kept: 2 });
      expect((await keptOf(stage, id))[0]?.reason).to.contain("the record is gone");
      const again = await ask(stage, "POST", `/api/revocations?rule=${RULE}`);
      expect(again).to.deep.equal({ status: 200, body: { id: null, actions: 0, tickets: 0 } });
    });
  });

  it("puts several fields back exactly, in both systems", async () => {
    const routing = `
rules:
  - id: all
    why: It says so
    when: ticket.title == "VPN is down"
    then: { assign: { group: Network Operations }, set: { category: Network, priority: 2 } }
default: { id: none, why: It says nothing else, then: { assign: { group: Service Desk } } }
`;
    await onStage({ routing }, async (stage) => {
      const snow = stage.snow({ impact: "3", urgency: "2", category: "" });
      const jira = stage.jira({ priority: "Low" });
      const before = { ...stage.rig.snow.get("incident", snow.id) };
      const fields = { ...stage.rig.jira.get(jira.id)?.fields };
      await stage.rig.settled();
      expect(snow.group()).to.equal("Network Operations");
      expect(jira.group()).to.equal("Network Operations");
      const id = await revoke(stage, "rule=all");
      const view = await carriedOut(stage, id);
      expect(view).to.include({ wanted: 0, kept: 0 });
      const after = stage.rig.snow.get("incident", snow.id);
      for (const name of ["impact", "urgency", "priority", "category", "assignment_group"])
        expect(after?.[name], name).to.equal(before[name]);
      const issue = stage.rig.jira.get(jira.id)?.fields ?? {};
      for (const name of ["priority", "customfield_10104", "customfield_10101"])
        expect(issue[name], name).to.deep.equal(fields[name]);
    });
  });
});

/** So many tickets of one rule, of both systems. */
function many(stage: Stage, count: number): Ticket[] {
  return Array.from({ length: count }, (_, at) => (at % 4 === 3 ? stage.jira() : stage.snow()));
}

describe("Revoking a thousand actions of one rule", () => {
  it("restores 900, lists the 100 that people edited, loses none of theirs, though the server dies on the way", async function () {
    this.timeout(180_000);
    await onStage({ limits: { listMax: 2_000 } }, async (stage) => {
      const tickets = many(stage, 1_000);
      await until("all are routed", () => tickets.every((ticket) => ticket.notes().length === 1), 90_000);
      await stage.rig.settled();
      const edited = tickets.filter((_, at) => at % 10 === 0);
      for (const ticket of edited) ticket.assign("Workplace Hardware");
      await stage.rig.settled();

      const id = await revoke(stage, `rule=${RULE}`);
      const restored = (): number => tickets.filter((ticket) => ticket.group() === "").length;
      await until("it is under way", () => restored() > 200, 60_000);
      // Writes are under way that take effect and whose answers nobody will take, and others that never do.
      for (const [connection, method] of [
        ["snow", "PATCH"],
        ["jira", "PUT"],
      ] as const) {
        stage.rig[connection].faults.add({ method, path: /./, kind: "apply-then-hang", times: 3 });
        stage.rig[connection].faults.add({ method, path: /./, kind: "hang", times: 3 });
      }
      await stage.rig.restart();
      expect(restored(), "in the middle").to.be.lessThan(900);

      const view = await carriedOut(stage, id, 120_000);
      expect(view).to.include({ wanted: 0, restored: 900, corrected: 1_000, kept: 100 });
      for (const ticket of tickets)
        expect(ticket.group(), ticket.key).to.equal(edited.includes(ticket) ? "Workplace Hardware" : "");
      for (const ticket of tickets) expect(ticket.notes(), ticket.key).to.have.length(2);
      const listed = await keptOf(stage, id);
      expect(listed.map(({ key }) => key).sort()).to.deep.equal(edited.map(({ key }) => key).sort());

      const { body } = await ask(stage, "POST", `/api/revocations?rule=${RULE}`);
      expect(body, "the second run").to.deep.equal({ id: null, actions: 0, tickets: 0 });
      await stage.rig.settled();
      for (const ticket of tickets) expect(ticket.notes()).to.have.length(2);
      await expectLedgerHolds(stage);
    });
  });
});
