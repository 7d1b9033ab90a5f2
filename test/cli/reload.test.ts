import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import axios from "axios";
import { expect } from "chai";
import { foldersFrom, readConfig } from "../../cli/config.ts";
import { watchConfig } from "../../cli/reload.ts";
import { type Running, startServer } from "../../cli/server.ts";
import { systemClock, systemIds, systemRng } from "../../cli/system.ts";
import { writeWhole } from "../../cli/whole-file.ts";
import { RISK_MODEL_NAME } from "../../core/risk/model.ts";
import { FILE, riskModelText } from "../core/support/changes.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { writeConfigFolder } from "../support/config-folder.ts";
import { freePort } from "../support/server-process.ts";

/** What is promised to admins. */
const LIVE_WITHIN_MS = 2_000;
/** The test machine may be busy; the promise is measured, the wait is not the promise. */
const WAIT_MS = 15_000;

describe("A changed configuration", function () {
  this.timeout(60_000);
  let folder = "";
  let routing = "";
  let running: Running;
  let log: ReturnType<typeof recordingLog>;
  let endWatching: () => Promise<void>;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "interlock-reload-"));
    const port = await freePort();
    const nowhere = "http://127.0.0.1:9";
    const folders = writeConfigFolder(folder, { snowUrl: nowhere, jiraUrl: nowhere, port, mode: "observe" });
    const own = join(folder, "own");
    cpSync(folders.config, own, { recursive: true });
    routing = join(own, "policy", "routing.yaml");
    const options = { config: own, mappings: folders.mappings };
    log = recordingLog();
    const deps = { clock: systemClock, rng: systemRng, ids: systemIds, log, adminToken: "reload-admin-token" };
    running = await startServer(readConfig(options), deps);
    endWatching = watchConfig(foldersFrom(options), running.current, log);
  });
  after(async () => {
    await endWatching();
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function until(holds: () => boolean): Promise<number> {
    const startMs = Date.now();
    while (!holds()) {
      if (Date.now() - startMs > WAIT_MS) throw new Error(`nothing happened within ${WAIT_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return Date.now() - startMs;
  }

  async function entries(kind: string): Promise<Record<string, unknown>[]> {
    const found = await running.store.entries(0, 1_000);
    return found.filter((entry) => entry.kind === kind).map(({ body }) => JSON.parse(body) as Record<string, unknown>); // an entry's body is an object
  }

  it("is live within two seconds when it is sound, and on the ledger with what changed and who could write it", async () => {
    const before = running.current.config.policy.version;
    await new Promise((resolve) => setTimeout(resolve, 500)); // the watcher needs a moment to look at the folder
    writeFileSync(routing, readFileSync(routing, "utf8").replace(/why: .*/, "why: Another sentence for people"));
    const tookMs = await until(() => running.current.config.policy.version !== before);
    const [entry] = await entries("config");
    expect(entry).to.include({ before, policyVersion: running.current.config.policy.version, changed: 1 });
    expect(String(entry?.["changes"])).to.match(/^routing\/[a-z0-9-]+ was changed$/);
    expect(String(entry?.["files"])).to.match(/routing\.yaml \(owner \d+, group \d+, mode \d+\)$/);
    if (tookMs > LIVE_WITHIN_MS) process.stdout.write(`    took ${tookMs} ms on this machine\n`);
  });

  it("changes nothing when it is wrong, and the log, readyz and metrics say so until it is mended", async () => {
    const sound = readFileSync(routing, "utf8");
    const before = running.current.config.policy.version;
    writeFileSync(routing, sound.replace(/when: .*/, 'when: ticket.prioritty == "x"'));
    await until(() => JSON.stringify(log.lines).includes("is refused"));
    expect(running.current.config.policy.version).to.equal(before);
    const ready = await axios.get(`${running.url}/readyz`, { proxy: false });
    expect(String(ready.data.configuration)).to.match(/^a change was refused \(\d+ problem/);
    const metrics = await axios.get<string>(`${running.url}/metrics`, { proxy: false });
    expect(metrics.data).to.include('interlock_reloads_total{outcome="refused"} 1');
    writeFileSync(routing, sound);
    await until(() => JSON.stringify(log.lines).includes("is refused"));
    for (let tries = 0; tries < 200; tries += 1) {
      const again = await axios.get(`${running.url}/readyz`, { proxy: false });
      if (again.data.configuration === undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect((await axios.get(`${running.url}/readyz`, { proxy: false })).data.configuration).to.equal(undefined);
    expect(await entries("config")).to.have.length(1);
  });

  it("is live as well where it is a model that was trained anew, and one that does not hold changes nothing", async () => {
    const model = join(dirname(routing), RISK_MODEL_NAME);
    const risk = join(dirname(routing), "change-risk.yaml");
    const { policy } = running.current.config;
    writeFileSync(risk, JSON.stringify(FILE));
    await until(() => running.current.config.policy.risk !== undefined);
    expect(running.current.config.policy.risk?.model).to.equal(undefined);
    await writeWhole(model, riskModelText());
    await until(() => running.current.config.policy.risk?.model !== undefined);
    const { version } = running.current.config.policy;
    expect(String((await entries("config")).at(-1)?.["changes"])).to.equal(`${RISK_MODEL_NAME} was added`);
    log.lines.splice(0);
    await writeWhole(model, riskModelText().slice(1));
    await until(() => JSON.stringify(log.lines).includes("it is no model of change risk"));
    expect(running.current.config.policy.version).to.equal(version);
    rmSync(model);
    rmSync(risk);
    await until(() => running.current.config.policy.version === policy.version);
  });

  it("whose own tests fail changes nothing, but for the kill switch, which waits for no test", async () => {
    const before = running.current.config.policy.version;
    await new Promise((resolve) => setTimeout(resolve, 500)); // the watcher needs a moment to look at the folder
    const sound = readFileSync(routing, "utf8");
    log.lines.splice(0);
    writeFileSync(routing, sound.replace("ticket.priority <= 2", "ticket.priority <= 1"));
    await until(() => JSON.stringify(log.lines).includes("routing.test.yaml"));
    expect(JSON.stringify(log.lines)).to.include("is refused");
    expect(running.current.config.policy.version).to.equal(before);
    const autonomy = join(dirname(routing), "autonomy.yaml");
    writeFileSync(autonomy, "killSwitch: true\ndefault: { id: rest, why: Nothing by itself, then: { mode: act } }\n");
    await until(() => running.current.config.policy.autonomy.killSwitch);
    writeFileSync(routing, sound);
    rmSync(autonomy);
    await until(() => running.current.config.policy.version === before);
  });
});
