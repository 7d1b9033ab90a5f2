import { expect } from "chai";
import { StoreUnavailableError } from "../../core/errors.ts";
import { send } from "../routes/client.ts";
import { jiraHeaders, snowHeaders } from "../routes/ingress.ts";
import { expectRouted, onStage, type Stage, type Ticket } from "./stage.ts";

/** A webhook of our own making about a ticket, which says nothing but where to look. */
async function hint(stage: Stage, ticket: Ticket, n: number): Promise<string> {
  const record =
    ticket.connection === "snow"
      ? { table: "incident", sys_id: ticket.id, sys_mod_count: String(n), sys_updated_on: "2026-01-31 10:00:00" }
      : { timestamp: n, webhookEvent: "jira:issue_updated", issue: { id: ticket.id, key: ticket.key, fields: {} } };
  const body = JSON.stringify(record);
  const id = `hint-${ticket.id}-${n}`;
  const headers = ticket.connection === "snow" ? snowHeaders(body, { id }) : jiraHeaders(body, { id });
  const url = `${stage.rig.server.url}/webhooks/${ticket.connection}`;
  return (await send(url, { method: "POST", headers, body })).text;
}

describe("Deliveries that are not what they should be", () => {
  for (const connection of ["snow", "jira"] as const) {
    it(`every one of them doubled: one effect (${connection})`, async () => {
      await onStage({}, async (stage) => {
        stage.rig[connection].webhooks.duplicate = () => true;
        const tickets = Array.from({ length: 10 }, () => stage[connection]());
        await stage.rig.settled();
        for (const ticket of tickets) expectRouted(ticket);
        const doubled = await stage.rig.server.metrics.total("interlock_signals_total", { outcome: "duplicate" });
        expect(doubled).to.be.at.least(10);
      });
    });

    it(`the first of each ticket lost: the next one does it (${connection})`, async () => {
      await onStage({}, async (stage) => {
        const { webhooks } = stage.rig[connection];
        webhooks.lose = () => true;
        const tickets = Array.from({ length: 5 }, () => stage[connection]());
        await stage.rig.settled();
        for (const ticket of tickets) expect(ticket.notes()).to.be.empty;
        webhooks.lose = undefined;
        for (const ticket of tickets) ticket.touch();
        await stage.rig.settled();
        for (const ticket of tickets) expectRouted(ticket);
      });
    });

    it(`every second one lost, in a stream of edits: one effect (${connection})`, async () => {
      await onStage({}, async (stage) => {
        stage.rig[connection].webhooks.lose = (n) => n % 2 === 0;
        const ticket = stage[connection]();
        for (let n = 0; n < 7; n += 1) ticket.touch();
        await stage.rig.settled();
        expectRouted(ticket);
      });
    });

    it(`the old ones after the new ones: the ticket is read as it is now (${connection})`, async () => {
      await onStage({}, async (stage) => {
        stage.rig[connection].webhooks.enabled = false;
        const ticket = stage[connection]();
        if (connection === "jira")
          stage.rig.jira.update(ticket.id, { summary: "Printer on fire" }, { by: "5b10-abel" });
        else
          stage.rig.snow.update("incident", ticket.id, { short_description: "Printer on fire" }, { by: "abel.tuter" });
        for (const n of [3, 2, 1, 0]) {
          expect(await hint(stage, ticket, n)).to.contain("accepted");
          await stage.rig.settled();
        }
        expectRouted(ticket, "Workplace Hardware");
      });
    });

    it(`a forged hint costs a reading and nothing else (${connection})`, async () => {
      await onStage({}, async (stage) => {
        const ticket = stage[connection]();
        await stage.rig.settled();
        const before = stage.rig[connection].requests.length;
        await hint(stage, ticket, 99);
        await stage.rig.settled();
        expect(stage.rig[connection].requests.length - before).to.equal(1);
        expectRouted(ticket);
      });
    });
  }

  it("Jira tries again what the server could not take, and nothing is lost", async () => {
    await onStage({}, async (stage) => {
      const { jira, server } = stage.rig;
      const { accept } = server.store;
      let refusals = 0;
      // The store goes away under the running server for the first commits.
      server.store.accept = (signals, settleMs) => {
        refusals += 1;
        if (refusals <= 2) return Promise.reject(unavailable());
        return accept(signals, settleMs);
      };
      const ticket = stage.jira();
      await jira.webhooks.idle();
      expect(jira.webhooks.sent[0]).to.include({ status: 202, attempts: 3 });
      await stage.rig.settled();
      expectRouted(ticket);
    });
  });

  it("a thousand hints for one ticket are one write, and a reading now and then", async () => {
    const restMs = 300;
    await onStage({ limits: { restMs } }, async (stage) => {
      stage.rig.snow.webhooks.enabled = false;
      const ticket = stage.snow();
      const startMs = Date.now();
      for (let n = 0; n < 1_000; n += 50)
        await Promise.all(Array.from({ length: 50 }, (_, more) => hint(stage, ticket, n + more)));
      await stage.rig.settled();
      expectRouted(ticket);
      expect(stage.calls("snow", /^PATCH/)).to.have.length(1);
      const readings = stage.calls("snow", /^GET .*\/incident/).length;
      expect(readings).to.be.at.most(2 + (Date.now() - startMs) / restMs);
    });
  });
});

function unavailable(): Error {
  return new StoreUnavailableError("the store cannot take a write now");
}
