import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { foldersFrom, readConfig } from "../../cli/config.ts";
import { watchConfig } from "../../cli/reload.ts";
import { type Running, startServer } from "../../cli/server.ts";
import { systemClock, systemIds, systemRng } from "../../cli/system.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { type JiraSim, startJiraSim } from "../sim/jira.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { GROUPS, JIRA_SECRET, QUICK_LIMITS, SNOW_SECRET, settledWithin } from "../support/rig.ts";
import { freePort } from "../support/server-process.ts";

/** What is promised to admins. */
const LIVE_WITHIN_MS = 2_000;
/** The test machine may be busy; the promise is measured, the wait is not the promise. */
const WAIT_MS = 15_000;
const ABEL = { by: "abel.tuter" };

describe("A changed mapping", function () {
  this.timeout(60_000);
  let folder: string;
  let folders: ConfigFolder;
  let snow: ServiceNowSim;
  let jira: JiraSim;
  let running: Running;
  let log: ReturnType<typeof recordingLog>;
  let endWatching: () => Promise<void>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "interlock-reload-"));
    snow = await startServiceNowSim({ groups: GROUPS.map((name) => ({ name })) });
    jira = await startJiraSim({ groups: GROUPS });
    const port = await freePort();
    folders = writeConfigFolder(folder, { snowUrl: snow.url, jiraUrl: jira.url, port, limits: QUICK_LIMITS });
    log = recordingLog();
    const deps = { clock: systemClock, rng: systemRng, ids: systemIds, log, adminToken: undefined };
    running = await startServer(readConfig(folders), deps);
    snow.webhooks.setTarget({ url: `${running.url}/webhooks/snow`, secret: SNOW_SECRET });
    jira.webhooks.setTarget({ url: `${running.url}/webhooks/jira`, secret: JIRA_SECRET });
    endWatching = watchConfig(foldersFrom(folders), running.current, log);
    await new Promise((resolve) => setTimeout(resolve, 500)); // the watcher needs a moment to look at the folders
  });
  afterEach(async () => {
    await endWatching();
    await running.stop();
    await Promise.all([snow.close(), jira.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const settled = (): Promise<void> => settledWithin(() => running, [snow, jira], WAIT_MS);
  const edit = (path: string, from: string | RegExp, to: string): void => {
    const text = readFileSync(path, "utf8");
    const changed = text.replace(from, to);
    expect(changed, "the edit of the test must hit").to.not.equal(text);
    writeFileSync(path, changed);
  };
  const mapping = (name: string): string => join(folders.mappings, `${name}.yaml`);
  const said = (message: string): boolean => JSON.stringify(log.lines).includes(message);

  async function until(holds: () => boolean): Promise<number> {
    const startMs = Date.now();
    while (!holds()) {
      if (Date.now() - startMs > WAIT_MS) throw new Error(`nothing happened within ${WAIT_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return Date.now() - startMs;
  }

  async function bodies(kind: string): Promise<Record<string, unknown>[]> {
    const found = await running.store.entries(0, 1_000);
    return found.filter((entry) => entry.kind === kind).map(({ body }) => JSON.parse(body) as Record<string, unknown>); // an entry's body is an object
  }

  const group = (sysId: string): string => {
    const id = snow.get("incident", sysId)?.["assignment_group"];
    return snow.rows("sys_user_group").find(({ sys_id }) => sys_id === id)?.["name"] ?? "";
  };

  it("is live within two seconds: a ticket that was parked for an unknown value goes on, without a restart", async () => {
    snow.insert("sys_choice", { name: "incident", element: "state", value: "9", label: "Waiting" }, ABEL);
    const ticket = snow.insert("incident", { short_description: "VPN is down", state: "9" }, ABEL);
    await settled();
    expect(await running.store.parked(10)).to.have.length(1);
    edit(mapping("servicenow.incident"), '"3": on_hold,', '"3": on_hold, "9": review,');
    const tookMs = await until(() => said("a change of the configuration is live"));
    if (tookMs > LIVE_WITHIN_MS) process.stdout.write(`    took ${tookMs} ms on this machine\n`);
    snow.update("incident", ticket.sys_id, { description: "Still down" }, ABEL);
    await settled();
    expect(await running.store.parked(10)).to.deep.equal([]);
    expect(group(ticket.sys_id)).to.equal("Network Operations");
  });

  it("is on the ledger with its version before it rules, and a start says which mappings it begins with", async () => {
    const [start] = await bodies("start");
    expect(start?.["mappingsVersion"]).to.match(/^[0-9a-f]{16}$/);
    edit(mapping("servicenow.incident"), "intake: [inquiry]", "intake: [inquiry, other]");
    await until(() => said("a change of the configuration is live"));
    const [entry] = await bodies("config");
    expect(entry).to.include({ changed: 1, before: entry?.["policyVersion"] });
    expect(entry?.["mappingsVersion"])
      .to.match(/^[0-9a-f]{16}$/)
      .and.to.not.equal(start?.["mappingsVersion"]);
    expect(String(entry?.["changes"])).to.match(
      /^mapping servicenow\.incident was changed \([0-9a-f]{16}, before [0-9a-f]{16}\)$/,
    );
    expect(String(entry?.["files"])).to.match(/servicenow\.incident\.yaml \(owner \d+, group \d+, mode \d+\)$/);
    expect(said("next start only")).to.equal(false);
  });

  /** Rules that are changed here for a test of their fields do what their own tests would not have them do. */
  function dropTests(): void {
    for (const inside of [join(folders.config, "policy"), folders.mappings])
      for (const name of readdirSync(inside)) if (name.endsWith(".test.yaml")) rmSync(join(inside, name));
  }

  it("that fails its own tests is refused, and the one of before still maps", async () => {
    edit(mapping("servicenow.incident"), '"2": in_progress', '"2": review');
    await until(() => said("a change of the configuration is refused"));
    expect(JSON.stringify(log.lines)).to.include("servicenow.incident.test.yaml");
    expect(await bodies("config")).to.deep.equal([]);
  });

  it("takes its fields with it, and is one change with the rules that read them", async () => {
    dropTests();
    const [routing, incident] = [join(folders.config, "policy", "routing.yaml"), mapping("servicenow.incident")];
    edit(
      incident,
      "contactType: { from: contact_type }",
      "contactType: { from: contact_type }\n  told: { from: correlation_display }",
    );
    edit(
      routing,
      /when: ticket\.kind == "incident" && ticket\.priority <= 2/,
      'when: ticket.custom.told == "monitoring"',
    );
    await until(() => said("a change of the configuration is live"));
    const [entry, more] = await bodies("config");
    expect(more, "both files are one change").to.equal(undefined);
    expect(entry?.["changed"]).to.equal(2);
    const fields = { short_description: "Disk is full", correlation_display: "monitoring" };
    const told = snow.insert("incident", fields, ABEL);
    await settled();
    expect(group(told.sys_id)).to.equal("Senior Engineers");
  });

  it("of a Jira project takes its fields with it", async () => {
    dropTests();
    edit(mapping("jira.incident"), /$/, "custom:\n  asked: { from: customfield_10105.value }\n");
    edit(
      join(folders.config, "policy", "routing.yaml"),
      /when: ticket\.kind == "incident" && ticket\.priority <= 2/,
      'when: ticket.custom.asked == "Emergency"',
    );
    await until(() => said("mapping jira.incident was changed"));
    const fields = { summary: "Disk is full", issuetype: "Incident", customfield_10105: "Emergency" };
    const { key } = jira.create("OPS", fields, { by: "5b10-abel" });
    await settled();
    expect(jira.get(key)?.fields["customfield_10101"]).to.include({ name: "Senior Engineers" });
  });

  it("that is wrong changes nothing", async () => {
    const before = running.current.config;
    edit(mapping("servicenow.incident"), "from: short_description", "frm: short_description");
    await until(() => said("is refused"));
    expect(running.current.config).to.equal(before);
    expect(await bodies("config")).to.deep.equal([]);
  });

  it("does not bring a connection's other records with it: what needs a restart says so", async () => {
    const before = running.current.config.mappings.get("jira.change");
    edit(join(folders.config, "interlock.yaml"), "CHG: jira.change", "CHG: jira.incident");
    edit(join(folders.config, "interlock.yaml"), "drainMs: 2000", "drainMs: 3000");
    rmSync(mapping("jira.change"));
    edit(mapping("servicenow.incident"), "intake: [inquiry]", "intake: [inquiry, other]");
    await until(() => said("next start only"));
    expect(JSON.stringify(log.lines)).to.include('"parts":["interlock.yaml, but for mode","mapping jira.change"]');
    expect(running.current.config.mappings.get("jira.change"), "CHG is read by it until then").to.equal(before);
    expect(String((await bodies("config"))[0]?.["changes"])).to.match(/^mapping servicenow\.incident was changed/);
  });
});
