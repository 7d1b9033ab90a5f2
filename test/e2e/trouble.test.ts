import { expect } from "chai";
import type { FaultSpec } from "../sim/faults.ts";
import { expectLedgerHolds, expectRouted, hastyClock, onStage, type Stage, until } from "./stage.ts";

type Connection = "snow" | "jira";

/** Which request of a connection goes wrong. */
const PHASES: Record<string, Record<Connection, Pick<FaultSpec, "method" | "path">>> = {
  "the reading": {
    snow: { method: "GET", path: /table\/incident/ },
    jira: { method: "POST", path: /bulkfetch/ },
  },
  "the write": { snow: { method: "PATCH", path: /./ }, jira: { method: "PUT", path: /./ } },
  "the comment": { snow: { method: "PATCH", path: /./ }, jira: { method: "POST", path: /comment$/ } },
};

const TROUBLES: Record<string, Pick<FaultSpec, "kind" | "status" | "body">> = {
  "503": { kind: "status", status: 503 },
  "500": { kind: "status", status: 500 },
  "a sleeping instance's page": { kind: "html" },
  "a reset": { kind: "reset" },
  "no answer": { kind: "hang" },
};

/** Nothing lost, nothing parked, nothing said twice, and the ledger holds. */
async function expectRecovered(stage: Stage, connection: Connection): Promise<void> {
  const ticket = stage[connection]();
  await stage.rig.settled();
  expectRouted(ticket);
  expect(await stage.rig.server.store.counts()).to.include({ parked: 0, pending: 0, leased: 0 });
  const opened = (await stage.entries(ticket)).filter(({ kind }) => kind === "action").length;
  const closed = (await stage.entries(ticket)).filter(({ kind }) => kind === "receipt").length;
  expect(closed, "every intent has its receipt").to.equal(opened);
  await expectLedgerHolds(stage);
}

for (const connection of ["snow", "jira"] as const) {
  describe(`Trouble of ${connection}`, () => {
    for (const [phase, requests] of Object.entries(PHASES)) {
      if (phase === "the comment" && connection === "snow") continue; // one call with the write there
      for (const [name, trouble] of Object.entries(TROUBLES)) {
        it(`${name}, twice, at ${phase}: tried again, exactly one note`, async () => {
          await onStage({ limits: { callTimeoutMs: 100 } }, async (stage) => {
            stage.rig.jira.faults.editWithoutComment = phase === "the comment";
            stage.rig[connection].faults.add({ ...requests[connection], ...trouble, times: 2 });
            await expectRecovered(stage, connection);
          });
        });
      }
    }
  });
}

describe("A vendor's rate limit", () => {
  const SPEED = 40;
  // In the server's own time, which passes 40 times faster than a test's.
  const limits = { leaseMs: 600_000, settleMs: 200, pollMs: 1_000, retryBaseMs: 100, retryCapMs: 200 };

  for (const connection of ["snow", "jira"] as const) {
    for (const [phase, requests] of Object.entries(PHASES)) {
      if (phase === "the comment" && connection === "snow") continue;
      it(`is obeyed by the whole connection (${connection}, at ${phase})`, async () => {
        const clock = hastyClock(SPEED);
        await onStage({ limits, deps: { clock } }, async (stage) => {
          const limited = { kind: "status", status: 429, headers: { "retry-after": "10" } } as const;
          stage.rig.jira.faults.editWithoutComment = phase === "the comment";
          stage.rig[connection].faults.add({ ...requests[connection], ...limited });
          const tickets = [stage[connection](), stage[connection](), stage[connection]()];
          await until("the limit is met", () => stage.calls(connection, /./).some(({ status }) => status === 429));
          await stage.rig.settled();
          for (const ticket of tickets) expectRouted(ticket);

          const calls = stage.calls(connection, /./);
          const metAtMs = calls.find(({ status }) => status === 429)?.atMs ?? 0;
          const restMs = 10_000 / SPEED;
          // Calls that were on their way already are no fault of ours.
          const during = calls.filter(({ atMs }) => atMs > metAtMs + 30 && atMs < metAtMs + restMs - 5);
          expect(during).to.be.empty;
          expect(await stage.rig.server.store.counts()).to.include({ parked: 0 });
        });
      });
    }
  }

  it("holds its own connection only", async () => {
    const clock = hastyClock(SPEED);
    await onStage({ limits, deps: { clock } }, async (stage) => {
      stage.rig.snow.faults.add({ path: /./, kind: "status", status: 429, headers: { "retry-after": "60" } });
      const held = stage.snow();
      await until("the limit is met", () => stage.calls("snow", /./).some(({ status }) => status === 429));
      const free = stage.jira();
      await until("Jira's ticket is routed", () => free.notes().length === 1);
      expect(held.notes()).to.be.empty;
      await stage.rig.settled();
      expectRouted(held);
    });
  });
});

describe("A vendor that is down for long", () => {
  it("gets its tickets parked after the last try, and they come back with the next webhook", async () => {
    const limits = { outageAttemptsMax: 3, retryBaseMs: 1, retryCapMs: 2 };
    await onStage({ limits }, async (stage) => {
      stage.rig.snow.faults.add({ path: /table\/incident/, kind: "status", status: 503, times: 3 });
      const ticket = stage.snow();
      await stage.rig.settled();
      const [parked] = await stage.rig.server.store.parked(10);
      expect(parked).to.include({ reason: "unavailable", key: ticket.id });
      expect(parked?.detail).to.contain("gave up after 3 tries");
      ticket.touch();
      await stage.rig.settled();
      expectRouted(ticket);
    });
  });
});
