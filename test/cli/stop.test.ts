import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { viewStoreUrl } from "../../cli/store.ts";
import { systemClock } from "../../cli/system.ts";
import { expectRouted, onStage, until } from "../e2e/stage.ts";
import { send } from "../routes/client.ts";
import { jiraHeaders } from "../routes/ingress.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { writeConfigFolder } from "../support/config-folder.ts";
import { freePort } from "../support/server-process.ts";
import { start } from "./command.ts";

/** Calls may take this long, so a stop that waits for one is seen. */
const CALL_TIMEOUT_MS = 30_000;
const DRAIN_MS = 200;
/** `drainMs`, the time for cutting off, and a slow machine. */
const STOPPED_WITHIN_MS = 6_000;

describe("A stop while a vendor hangs", function (this: Mocha.Suite) {
  this.timeout(60_000);

  it("ends soon after drainMs, says what it left, and the next start does the rest: nothing twice", async () => {
    const limits = { drainMs: DRAIN_MS, callTimeoutMs: CALL_TIMEOUT_MS, leaseMs: 4 * CALL_TIMEOUT_MS };
    const log = recordingLog();
    await onStage({ limits, deps: { log } }, async (stage) => {
      stage.rig.snow.faults.add({ method: "PATCH", path: /./, kind: "apply-then-hang" });
      stage.rig.jira.faults.add({ method: "PUT", path: /./, kind: "apply-then-hang" });
      const tickets = [stage.snow(), stage.jira()];
      await until(
        "both writes hang",
        () => stage.calls("snow", /^PATCH/).length === 1 && stage.calls("jira", /^PUT/).length === 1,
      );
      const startMs = Date.now();
      await stage.rig.restart();
      expect(Date.now() - startMs).to.be.within(DRAIN_MS, STOPPED_WITHIN_MS);
      expect(log.lines.filter(({ message }) => message.includes("calls are cut off"))).to.have.length(1);
      await stage.rig.settled();
      for (const ticket of tickets) {
        expectRouted(ticket);
        expect(await stage.kinds(ticket)).to.include("receipt");
      }
    });
  });

  it("ends the process too, with exit code 1, and leaves no lease", async () => {
    const folder = mkdtempSync(join(tmpdir(), "interlock-stop-"));
    let asked = 0;
    const vendor: Server = createServer((request) => {
      // It never answers, neither who it is nor what stands in the ticket.
      if (request.url?.includes("bulkfetch")) asked += 1;
    });
    await new Promise<void>((resolve) => vendor.listen(0, "127.0.0.1", resolve));
    const { port: vendorPort } = vendor.address() as AddressInfo; // listening on TCP
    const url = `http://127.0.0.1:${vendorPort}`;
    const port = await freePort();
    const limits = { drainMs: DRAIN_MS, callTimeoutMs: CALL_TIMEOUT_MS, settleMs: 10 };
    const folders = writeConfigFolder(folder, { snowUrl: url, jiraUrl: url, port, logLevel: "info", limits });
    const child = start(["serve", "--config", folders.config, "--mappings", folders.mappings]);
    try {
      await until("the server listens", () => child.stderr().includes("interlock is listening"), 30_000);
      const body = JSON.stringify({ timestamp: 1, issue: { id: "1", key: "OPS-1" } });
      const headers = jiraHeaders(body, { id: "id-1" });
      const answer = await send(`http://127.0.0.1:${port}/webhooks/jira`, { method: "POST", headers, body });
      expect(answer.status).to.equal(202);
      await until("the vendor is asked", () => asked > 0);
      const startMs = Date.now();
      child.signal("SIGTERM");
      const { code, stderr } = await child.ended;
      expect(Date.now() - startMs).to.be.below(STOPPED_WITHIN_MS);
      expect(stderr).to.contain("calls are cut off").and.to.contain('"unfinished":1');
      expect(code).to.equal(1);
      const store = viewStoreUrl(`file:${join(folder, "interlock.db")}`, systemClock);
      expect(await store.counts()).to.include({ leased: 0, pending: 1 });
      await store.close();
    } finally {
      child.signal("SIGKILL");
      vendor.closeAllConnections();
      await new Promise((resolve) => vendor.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
