import { expect } from "chai";
import { systemClock } from "../../cli/system.ts";
import type { Clock } from "../../core/clock.ts";
import { send } from "../routes/client.ts";
import { jiraHeaders, snowHeaders } from "../routes/ingress.ts";
import { settledWithin } from "../support/rig.ts";
import { expectLedgerHolds, expectRouted, onStage, type Stage, type Ticket } from "./stage.ts";

/** Vendor calls for each ticket, over a whole storm. */
const CALLS_PER_TICKET_MAX = 2.2;

async function hint(stage: Stage, ticket: Ticket, n: number): Promise<number> {
  const record =
    ticket.connection === "snow"
      ? { table: "incident", sys_id: ticket.id, sys_mod_count: String(n) }
      : { timestamp: n, webhookEvent: "jira:issue_updated", issue: { id: ticket.id, key: ticket.key } };
  const body = JSON.stringify(record);
  const id = `storm-${ticket.id}-${n}`;
  const headers = ticket.connection === "snow" ? snowHeaders(body, { id }) : jiraHeaders(body, { id });
  const url = `${stage.rig.server.url}/webhooks/${ticket.connection}`;
  return (await send(url, { method: "POST", headers, body })).status;
}

/** Time that can be held still: what arrives meanwhile is one burst, however slow the machine is. */
function holdableClock(): Clock & { hold(): void; go(): void } {
  let lostMs = 0;
  let heldMs: number | undefined;
  return {
    now: () => heldMs ?? Date.now() - lostMs,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    hold() {
      heldMs = Date.now() - lostMs;
    },
    go() {
      lostMs = Date.now() - (heldMs ?? Date.now());
      heldMs = undefined;
    },
  };
}

describe("Many tickets", function (this: Mocha.Suite) {
  this.timeout(120_000);
  it("300 over both vendors settle with one note each", async () => {
    await onStage({}, async (stage) => {
      const { rig } = stage;
      const tickets = Array.from({ length: 300 }, (_, n) => (n % 2 === 0 ? stage.snow() : stage.jira()));
      await settledWithin(() => rig.server, [rig.snow, rig.jira], 90_000);
      for (const ticket of tickets) expectRouted(ticket);
      expect(await rig.server.store.counts()).to.include({ pending: 0, parked: 0, leased: 0 });
      await expectLedgerHolds(stage);
    });
  });

  it("50 with 20 webhooks each cost little more than their writes", async () => {
    const clock = holdableClock();
    await onStage({ deps: { clock } }, async (stage) => {
      const { snow, jira, server } = stage.rig;
      snow.webhooks.enabled = false;
      jira.webhooks.enabled = false;
      const callsAtStart = await server.metrics.total("interlock_vendor_calls_total");
      const tickets = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? stage.snow() : stage.jira()));
      clock.hold();
      const statuses: number[] = [];
      for (let n = 0; n < 20; n += 1)
        statuses.push(...(await Promise.all(tickets.map((ticket) => hint(stage, ticket, n)))));
      expect(new Set(statuses)).to.deep.equal(new Set([202]));
      expect(await server.store.counts()).to.include({ signals: 1_000, pending: 50 });
      // Our own echo from Jira comes on top.
      jira.webhooks.enabled = true;
      clock.go();
      await settledWithin(() => server, [snow, jira], 60_000);
      for (const ticket of tickets) expectRouted(ticket);
      const calls = snow.requests.length + jira.requests.length;
      const counted = (await server.metrics.total("interlock_vendor_calls_total")) - callsAtStart;
      expect(counted, "every call is counted").to.equal(calls);
      expect(calls / tickets.length).to.be.at.most(CALLS_PER_TICKET_MAX);
      expect(await server.metrics.total("interlock_writes_total")).to.equal(tickets.length);
    });
  });
});
