import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "csv-parse/sync";
import type { CmdbReport } from "../../core/cmdb/report.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { type Ended, run } from "./command.ts";

const ABEL = { by: "abel.tuter" };
const SECRET_WORDS = "Printer on fire in room 42";
const DAY_MS = 86_400_000;
const NOWHERE = "0".repeat(32);

describe("interlock cmdb report", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(120_000);
  let folder: string;
  let folders: ConfigFolder;
  let snow: ServiceNowSim;

  beforeEach(async () => {
    snow = await startServiceNowSim();
    folder = mkdtempSync(join(tmpdir(), "interlock-cmdb-"));
    folders = writeConfigFolder(folder, { snowUrl: snow.url, jiraUrl: "http://127.0.0.1:9", mode: "observe" });
  });
  afterEach(async () => {
    await snow.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const report = (...args: string[]): Promise<Ended> =>
    run(["cmdb", "report", "--config", folders.config, "--mappings", folders.mappings, ...args]);
  const reported = async (...args: string[]): Promise<CmdbReport> => {
    const { code, stdout, stderr } = await report("--json", ...args);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout) as CmdbReport; // our own output
  };
  const tickets = (count: number, cmdb_ci: string, fields: Record<string, string> = {}): void => {
    for (let n = 0; n < count; n += 1)
      snow.insert("incident", { cmdb_ci, short_description: SECRET_WORDS, ...fields }, ABEL);
  };

  /** An item that is well kept, one that is loose, and one that is gone. */
  function house(): { kept: string; loose: string } {
    const fields = {
      ...{ owned_by: snow.user("beth.anglin"), support_group: snow.group("Network"), environment: "Production" },
    };
    const kept = snow.insert("cmdb_ci_server", { name: "kept", ...fields }, ABEL).sys_id;
    const loose = snow.insert("cmdb_ci_server", { name: "=loose\u001b[31m" }, ABEL).sys_id;
    const app = snow.insert("cmdb_ci_server", { name: "app" }, ABEL).sys_id;
    snow.insert("cmdb_rel_ci", { parent: app, child: kept, type: snow.rows("cmdb_rel_type")[0]?.sys_id ?? "" }, ABEL);
    const service_id = snow.insert("cmdb_ci_service", { name: "Shop" }, ABEL).sys_id;
    snow.insert("svc_ci_assoc", { ci_id: kept, service_id }, ABEL);
    tickets(3, kept);
    tickets(2, loose);
    tickets(1, NOWHERE);
    tickets(1, "");
    const old = new Date(Date.now() - 100 * DAY_MS).toISOString().slice(0, 19).replace("T", " ");
    tickets(5, app, { opened_at: old });
    return { kept, loose };
  }

  it("scores what tickets named, the worst for most tickets first, as one JSON document", async () => {
    const { kept, loose } = house();
    const found = await reported();
    expect(found).to.include({ connection: "snow", tickets: 6, itemsNamed: 3, score: Math.round((300 + 90) / 6) });
    expect(found.items.map(({ id, score, tickets: count, reasons }) => [id, score, count, reasons])).to.deep.equal([
      [loose, 45, 2, ["no_environment", "no_owner", "no_group", "no_relation", "orphaned"]],
      [NOWHERE, 0, 1, ["missing"]],
      [kept, 100, 3, []],
    ]);
    expect(found.services).to.deep.equal([
      { service: "(no service)", items: 2, tickets: 3, score: 30 },
      { service: "Shop", items: 1, tickets: 3, score: 100 },
    ]);
    const earlier = await reported("--since", "120d", "--limit", "1");
    expect(earlier).to.include({ tickets: 11, itemsNamed: 4 });
    expect(earlier.items.map(({ name }) => name)).to.deep.equal(["app"]);
    const asked = snow.requests.map(({ path }) => path).join(" ");
    expect(asked, "reads no text").to.not.include("short_description");
  });

  it("prints tables, and writes a CSV file and an HTML page", async () => {
    const { loose } = house();
    const [csv, html] = [join(folder, "out", "items.csv"), join(folder, "out", "items.html")];
    const { code, stdout, stderr } = await report("--connection", "snow", "--csv", csv, "--html", html);
    expect(code, stderr).to.equal(0);
    for (const words of ["=loose [31m", "say who owns", "Shop", "6 tickets named 3 items", `Written: ${csv}`])
      expect(stdout.replaceAll(/\s*\n\s*/g, " ")).to.include(words);
    expect(stdout).to.not.include("\u001b");
    expect(stdout + readFileSync(csv, "utf8") + readFileSync(html, "utf8")).to.not.include(SECRET_WORDS);
    const rows: string[][] = parse(readFileSync(csv, "utf8"));
    expect(rows[1]?.slice(0, 2)).to.deep.equal([loose, "'=loose\u001b[31m"]);
    expect(readFileSync(html, "utf8")).to.match(/^<!doctype html>/);
  });

  it("of no tickets says so", async () => {
    const { code, stdout } = await report();
    expect({ code, stdout }).to.deep.include({ code: 0 });
    expect(stdout).to.include("No ticket named an item.");
  });

  it("ends with 1 where fields may not be read, and writes no half of a file", async () => {
    house();
    snow.faults.closed.add("cmdb_ci.managed_by");
    const csv = join(folder, "items.csv");
    const { code, stderr } = await report("--csv", csv);
    expect(code).to.equal(1);
    expect(stderr).to.include("does not show managed_by of a configuration item");
    expect(existsSync(csv)).to.equal(false);
  });

  it("ends with 2 for wrong usage, and asks nobody", async () => {
    const wrong = [
      ["--since", "soon"],
      ["--since", "9999d"],
      ["--limit", "0"],
      ["--limit", "1001"],
      ["--connection", "jira"],
      ["--connection", "nobody"],
      ["--csv", join(folder, "interlock.db", "..", "config")],
    ];
    for (const args of wrong) {
      const { code, stderr } = await report(...args);
      expect(code, `${args.join(" ")}: ${stderr}`).to.equal(2);
    }
    expect(snow.requests).to.be.empty;
  });
});
