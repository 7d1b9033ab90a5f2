import { expect } from "chai";
import { send } from "../routes/client.ts";
import { ADMIN_TOKEN } from "../support/rig.ts";
import { expectLedgerHolds, expectRouted, onStage, type Stage, type Ticket } from "./stage.ts";

/** What waits for a person, as an admin sees it. */
async function parked(stage: Stage): Promise<{ key: string; reason: string; detail: string }[]> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const { json } = await send(`${stage.rig.server.url}/api/parked`, { headers });
  const { parked: list } = json as { parked: { key: string; reason: string; detail: string }[] }; // our own API
  return list;
}

async function redrive(stage: Stage, ticket: Ticket): Promise<number> {
  const url = `${stage.rig.server.url}/api/parked/${ticket.connection}/${ticket.key}/redrive`;
  return (await send(url, { method: "POST", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).status;
}

describe("A ticket that needs a person is parked, and the others flow", () => {
  it("a token that is refused: until it works again and the ticket is redriven", async () => {
    await onStage({}, async (stage) => {
      stage.rig.snow.faults.add({ path: /\/api\//, kind: "status", status: 401, times: 1_000 });
      const [stuck, free] = [stage.snow(), stage.jira()];
      await stage.rig.settled();
      expectRouted(free);
      const [only, ...more] = await parked(stage);
      expect(more).to.be.empty;
      expect(only).to.include({ reason: "auth", key: stuck.id });
      expect(only?.detail).to.contain("check auth in interlock.yaml");

      stage.rig.snow.faults.clear();
      // Nobody knows its number yet, since it was never read.
      expect(await redrive(stage, { ...stuck, key: stuck.id })).to.equal(202);
      await stage.rig.settled();
      expectRouted(stuck);
      expect(await parked(stage)).to.be.empty;
      expect((await stage.kinds(stuck)).slice(0, 3)).to.deep.equal(["signal", "parked", "redrive"]);
      await expectLedgerHolds(stage);
    });
  });

  it("a token that Jira lets through as nobody: never taken for a site without issues", async () => {
    await onStage({}, async (stage) => {
      const dead = { "x-seraph-loginreason": "AUTHENTICATED_FAILED" };
      const body = { expand: "", issues: [], issueErrors: [] };
      stage.rig.jira.faults.add({ path: /./, kind: "status", status: 200, headers: dead, body, times: 1_000 });
      const [stuck, free] = [stage.jira(), stage.snow()];
      await stage.rig.settled();
      expectRouted(free);
      expect((await parked(stage)).map(({ key, reason }) => [key, reason])).to.deep.equal([[stuck.key, "auth"]]);
      stage.rig.jira.faults.clear();
      expect(await redrive(stage, stuck)).to.equal(202);
      await stage.rig.settled();
      expectRouted(stuck);
    });
  });

  it("a record that is gone or hidden", async () => {
    await onStage({}, async (stage) => {
      stage.rig.snow.webhooks.enabled = false;
      const [gone, deleted] = [stage.snow(), stage.jira()];
      gone.remove();
      await stage.rig.server.store.accept(
        [
          {
            connection: "snow",
            cause: "webhook",
            deliveryId: "gone",
            bodyDigest: null,
            receivedAtMs: Date.now(),
            target: { type: "incident", recordId: gone.id },
          },
        ],
        0,
      );
      deleted.remove();
      await stage.rig.settled();
      const list = await parked(stage);
      expect(list.map(({ reason }) => reason)).to.deep.equal(["not_found", "not_found"]);
      expect(list[0]?.detail).to.contain("may not read it");
    });
  });

  it("a value that the mapping does not know: named, counted, and healed by a later webhook", async () => {
    await onStage({}, async (stage) => {
      const { snow, server } = stage.rig;
      const [odd, fine] = [stage.snow({ state: "42" }), stage.snow()];
      await stage.rig.settled();
      expectRouted(fine);
      expect(odd.notes()).to.be.empty;
      const [only] = await parked(stage);
      expect(only).to.include({ reason: "drift" });
      expect(only?.detail).to.contain("mapping servicenow.incident does not know status (state): 42");
      const counted = { mapping: "servicenow.incident", field: "status" };
      expect(await server.metrics.total("interlock_drift_total", counted)).to.equal(1);
      expect(await server.metrics.render()).to.contain("interlock_parked 1");

      snow.update("incident", odd.id, { state: "2" }, { by: "beth.anglin" });
      await stage.rig.settled();
      expectRouted(odd);
      expect(await parked(stage)).to.be.empty;
    });
  });

  it("a rule that cannot be computed for it: held, with the rule's name", async () => {
    const routing = [
      "rules:",
      "  - id: first-label",
      "    why: Tickets of the warehouse go to Workplace Hardware",
      '    when: ticket.labels[0] == "warehouse"',
      "    then: { assign: { group: Workplace Hardware } }",
      "default:",
      "  id: the-rest",
      "  why: What no rule describes is triaged by the service desk",
      "  then: { assign: { group: Network Operations } }",
    ].join("\n");
    await onStage({ routing }, async (stage) => {
      const [poison, ...others] = [stage.jira(), stage.jira({ labels: ["x"] }), stage.jira({ labels: ["y"] })];
      await stage.rig.settled();
      for (const ticket of others) expectRouted(ticket);
      expect(poison.notes()).to.be.empty;
      expect(poison.group()).to.equal("");
      const [only] = await parked(stage);
      expect(only).to.include({ reason: "held", key: poison.key });
      expect(only?.detail).to.contain("rule first-label could not be computed");
      const [decision] = (await stage.entries(poison)).filter(({ kind }) => kind === "decision");
      expect(decision?.body).to.contain('"holds":[{').and.to.contain('"set":{}');

      stage.rig.jira.update(poison.id, { labels: ["warehouse"] }, { by: "5b10-abel" });
      await stage.rig.settled();
      expectRouted(poison, "Workplace Hardware");
    });
  });

  it("a write that the vendor refuses for good", async () => {
    await onStage({}, async (stage) => {
      stage.rig.snow.faults.add({ method: "PATCH", path: /./, kind: "status", status: 403 });
      const [refused, other] = [stage.snow(), stage.jira()];
      await stage.rig.settled();
      expectRouted(other);
      expect((await parked(stage)).map(({ key, reason }) => [key, reason])).to.deep.equal([[refused.id, "rejected"]]);
      const receipts = (await stage.entries(refused)).filter(({ kind }) => kind === "receipt");
      for (const { body } of receipts) expect(body).to.contain('"outcome":"abandoned"');
    });
  });

  it("a group that the instance does not have, without a write to anything", async () => {
    await onStage({}, async (stage) => {
      stage.rig.snow.update(
        "sys_user_group",
        stage.rig.snow.group("Network Operations"),
        { active: false },
        { by: "abel.tuter" },
      );
      const ticket = stage.snow();
      await stage.rig.settled();
      const [only] = await parked(stage);
      expect(only).to.include({ reason: "rejected" });
      expect(only?.detail).to.contain('no active group is named "Network Operations"');
      expect(ticket.notes()).to.be.empty;
    });
  });

  it("tries that are used up, with how many they were", async () => {
    await onStage({ limits: { attemptsMax: 3 } }, async (stage) => {
      // An answer of an unknown form is nobody's outage: it counts against the ticket.
      const odd = { kind: "status", status: 200, body: { result: {} }, times: 1_000 } as const;
      stage.rig.snow.faults.add({ method: "PATCH", path: /./, ...odd });
      const [stuck, free] = [stage.snow(), stage.jira()];
      await stage.rig.settled();
      expectRouted(free);
      const [only] = await parked(stage);
      expect(only).to.include({ reason: "protocol" });
      expect(only?.detail).to.contain("gave up after 3 tries");
      expect(stage.calls("snow", /^PATCH/)).to.have.length(3);
      stage.rig.snow.faults.clear();
      expect(await redrive(stage, { ...stuck, key: stuck.id })).to.equal(202);
      await stage.rig.settled();
      expectRouted(stuck);
    });
  });

  it("a field that is written again and again because something changes what its rule reads", async () => {
    await onStage({ limits: { convergeWritesMax: 3 } }, async (stage) => {
      const ticket = stage.jira();
      for (let round = 0; round < 3; round += 1) {
        await stage.rig.settled();
        const summary = round % 2 === 0 ? "Printer on fire" : "VPN is down";
        stage.rig.jira.update(ticket.id, { summary }, { by: "5b10-beth" });
      }
      await stage.rig.settled();
      expect(ticket.notes()).to.have.length(3);
      const [only] = await parked(stage);
      expect(only).to.include({ reason: "not_converging", key: ticket.key });
      expect(only?.detail).to.contain("find what else writes it");
    });
  });
});
