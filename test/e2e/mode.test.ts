import { expect } from "chai";
import { silentLog } from "../../cli/log.ts";
import { type Running, startServer } from "../../cli/server.ts";
import { systemClock, systemIds, systemRng } from "../../cli/system.ts";
import { sharedPostgres } from "../support/postgres.ts";
import { ADMIN_TOKEN } from "../support/rig.ts";
import { expectLedgerHolds, expectRouted, onStage, type Stage, until } from "./stage.ts";

const postgres = sharedPostgres();

async function ask(server: Running, method: "GET" | "POST", path: string): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const answer = await fetch(`${server.url}${path}`, { method, headers });
  return { status: answer.status, body: await answer.json() };
}

const writes = (stage: Stage): number => stage.calls("snow", /^PATCH/).length;

describe("A mode that is lowered while the server runs", () => {
  it("holds one connection back, is shown, and lifting it takes up what was held back", async () => {
    await onStage({}, async (stage) => {
      const { server } = stage.rig;
      expect((await ask(server, "POST", "/api/mode?mode=observe&connection=snow")).status).to.equal(200);
      const [held, free] = [stage.snow(), stage.jira()];
      await stage.rig.settled();
      expectRouted(free);
      expect(held.notes()).to.deep.equal([]);
      expect((await ask(server, "GET", "/readyz")).body).to.deep.include({ lowered: { snow: "observe" } });
      await stage.rig.restart();
      const again = stage.snow();
      await stage.rig.settled();
      expect(again.notes(), "a restart does not lift it").to.deep.equal([]);
      const lifted = await ask(stage.rig.server, "POST", "/api/mode?mode=configured&connection=snow");
      expect(lifted.body).to.deep.include({
        connections: [
          { connection: "snow", configured: "act", lowered: null, effective: "act" },
          { connection: "jira", configured: "act", lowered: null, effective: "act" },
        ],
      });
      await until("both are routed", () => held.notes().length + again.notes().length === 2);
      await stage.rig.settled();
      expectRouted(held);
      expectRouted(again);
      const told = (await stage.entries())
        .filter(({ kind }) => kind === "mode")
        .map(({ body }): unknown => JSON.parse(body));
      expect(told).to.deep.equal([
        { connection: "snow", mode: "observe", configured: "act", by: "api" },
        { connection: "snow", mode: "configured", configured: "act", by: "api" },
      ]);
      await expectLedgerHolds(stage);
    });
  });

  it("is never above the configured one", async () => {
    await onStage({ mode: "suggest" }, async ({ rig }) => {
      const above = await ask(rig.server, "POST", "/api/mode?mode=act");
      expect(above.status).to.equal(409);
      expect(above.body).to.include({ error: "above_configured" });
      expect((await ask(rig.server, "POST", "/api/mode?mode=off")).status).to.equal(400);
      expect((await ask(rig.server, "POST", "/api/mode?mode=observe&connection=none")).status).to.equal(404);
      expect(await rig.server.store.modes()).to.deep.equal([]);
    });
  });

  it("stops every server of the store within two seconds, in the middle of its writes", async function () {
    this.timeout(90_000);
    const store = await (await postgres(this)).createDatabase();
    await onStage({ store }, async (stage) => {
      const deps = { clock: systemClock, rng: systemRng, ids: systemIds, log: silentLog, adminToken: ADMIN_TOKEN };
      const second = await startServer(stage.rig.config, deps);
      try {
        // About fifty writes a second by both.
        stage.rig.snow.faults.add({ method: "PATCH", path: /./, kind: "delay", delayMs: 300, times: 10_000 });
        const tickets = Array.from({ length: 250 }, () => stage.snow());
        await until("writes are under way", () => writes(stage) > 40, 20_000);
        expect((await ask(second, "POST", "/api/mode?mode=observe")).status).to.equal(200);
        await systemClock.sleep(2_000);
        const written = writes(stage);
        await systemClock.sleep(1_500);
        expect(writes(stage), "nothing after two seconds").to.equal(written);
        expect(written).to.be.lessThan(tickets.length);
        stage.rig.snow.faults.clear();
        await ask(second, "POST", "/api/mode?mode=configured");
        await until("all are routed", () => tickets.every((ticket) => ticket.notes().length > 0), 30_000);
        await stage.rig.settled();
        for (const ticket of tickets) expectRouted(ticket);
        await expectLedgerHolds(stage);
      } finally {
        await second.stop();
      }
    });
  });
});
