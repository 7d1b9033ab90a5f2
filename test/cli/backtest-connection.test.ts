import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { installDispatcher } from "../../connectors/jira/http.ts";
import type { Report } from "../../core/backtest/backtest.ts";
import { CALL_TIMEOUT_MS, openJira, openServiceNow, type StandingClock, standingClock } from "../connectors/open.ts";
import { FILE, FILE_HEADER, figuresOf, PAST_FILES, Readings } from "../core/backtest/past-rig.ts";
import { shippedMapping } from "../core/support/mappings.ts";
import { type JiraSim, startJiraSim } from "../sim/jira.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { type Ended, run } from "./command.ts";

const MINUTE_MS = 60_000;
const SECRET_WORDS = "Printer on fire in room 42";
const ABEL = { by: "abel.tuter" };
const [SNOW, JIRA] = [shippedMapping("servicenow.incident").mapping, shippedMapping("jira.incident").mapping];
const GROUP = "customfield_10101";

describe("interlock backtest of a connection", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(120_000);
  let folder: string;
  let folders: ConfigFolder;
  let snow: ServiceNowSim;
  let jira: JiraSim;
  let clock: StandingClock;
  let dispatcher: ReturnType<typeof installDispatcher>;

  beforeEach(async () => {
    clock = standingClock();
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    snow = await startServiceNowSim({ now: () => clock.now() });
    jira = await startJiraSim({ now: () => clock.now() });
    folder = mkdtempSync(join(tmpdir(), "interlock-backtest-"));
    folders = writeConfigFolder(folder, { snowUrl: snow.url, jiraUrl: jira.url, mode: "observe" });
    for (const [path, text] of Object.entries(PAST_FILES)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    writeFileSync(join(folders.mappings, "history", "read.yaml"), FILE);
  });
  afterEach(async () => {
    await Promise.all([snow.close(), jira.close(), dispatcher.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const backtest = (...args: string[]): Promise<Ended> =>
    run(["backtest", "--config", folders.config, "--mappings", folders.mappings, ...args]);
  const figures = ({ code, stdout, stderr }: Ended) => {
    expect(code, stderr).to.equal(0);
    const { history, policies } = figuresOf(JSON.parse(stdout) as Report); // our own output
    // An open end is the hour of reading in the one, and the last row in the other.
    const { to: _, ...known } = history;
    return { history: known, policies: policies.map(({ version: __, ...rest }) => rest) };
  };

  async function snowLives(): Promise<Readings> {
    const { connector } = openServiceNow(snow, { clock, fields: SNOW.reads });
    const readings = new Readings(connector, SNOW);
    const close = { state: "6", close_code: "Solution provided", close_notes: "done" };
    for (const [n, group] of ["Network", "Service Desk", "Security Operations", "Network"].entries()) {
      clock.pass(30 * MINUTE_MS);
      const category = n % 2 === 0 ? "network" : "hardware";
      const fields = { short_description: SECRET_WORDS, category, assignment_group: snow.group("Service Desk") };
      const { sys_id: id } = snow.insert("incident", fields, ABEL);
      await readings.take("incident", id);
      for (const set of [{ urgency: "1", impact: "1" }, { assignment_group: snow.group(group) }, close]) {
        clock.pass((1 + n) * 60 * MINUTE_MS);
        if (n > 2 && "urgency" in set) continue;
        const before = snow.get("incident", id)?.["sys_mod_count"];
        if (snow.update("incident", id, set, ABEL)["sys_mod_count"] !== before) await readings.take("incident", id);
      }
    }
    await connector.close();
    return readings;
  }

  async function jiraLives(): Promise<Readings> {
    const { connector } = openJira(jira, { clock, fields: JIRA.reads });
    const readings = new Readings(connector, JIRA);
    const by = { by: "5b10-beth" };
    for (const [n, group] of ["Network", "Security Operations", "Network"].entries()) {
      clock.pass(30 * MINUTE_MS);
      const fields = {
        summary: SECRET_WORDS,
        issuetype: "Incident",
        [GROUP]: "Service Desk",
        customfield_10104: "Network",
      };
      const { id } = jira.create("OPS", fields, by);
      await readings.take("issue", id);
      for (const act of [
        () => jira.update(id, { priority: n === 0 ? "Highest" : "Low" }, by),
        () => jira.update(id, { [GROUP]: group, assignee: "5b10-abel" }, by),
        () => jira.transition(id, "Resolved", by),
      ]) {
        clock.pass((1 + n) * 60 * MINUTE_MS);
        act();
        await readings.take("issue", id);
      }
    }
    await connector.close();
    return readings;
  }

  function written(readings: Readings): string {
    const path = join(folder, "read.csv");
    writeFileSync(path, [FILE_HEADER, ...readings.rows].map((row) => row.join(",")).join("\n"));
    return path;
  }

  const WAYS = [
    { name: "snow", type: "incident", lives: snowLives },
    { name: "jira", type: "OPS", lives: jiraLives },
  ] as const;
  for (const { name, type, lives } of WAYS)
    it(`gives the figures of ${name} that a file of the same history gives, and asks questions only`, async () => {
      const path = written(await lives());
      const [csv, html] = [join(folder, "out.csv"), join(folder, "out.html")];
      snow.requests.length = 0;
      jira.requests.length = 0;
      const policy = ["--policy", join(folder, "p")];
      const live = await backtest(
        "--from",
        name,
        "--since",
        "2026-01-01",
        "--json",
        ...policy,
        "--csv",
        csv,
        "--html",
        html,
      );
      const file = await backtest("--from", path, "--mapping", "read", "--json", ...policy);
      expect(figures(live)).to.deep.equal(figures(file));
      expect(figures(live).policies[0]).to.include({ routedDifferently: name === "snow" ? 2 : 3 });
      expect(figures(live).policies[0]?.sla.missed).to.be.above(0);
      expect(live.stderr).to.include(`backtest: reading ${name}, 100 %`);
      const asked = [...snow.requests, ...jira.requests];
      const writes = asked.filter(
        ({ method, path: to }) => method !== "GET" && !/\/(search\/jql|bulkfetch|approximate-count)$/.test(to),
      );
      expect([asked.length > 3, writes]).to.deep.equal([true, []]);
      const [lines, page] = [readFileSync(csv, "utf8"), readFileSync(html, "utf8")];
      expect(lines).to.match(name === "snow" ? /^INC0010001,2026-/m : /^OPS-1,2026-/m);
      expect(page).to.include(`Backtest of ${name} since 2026-01-01`);
      for (const text of [lines, page, live.stdout, live.stderr]) expect(text).to.not.include(SECRET_WORDS);
      const only = await backtest("--from", name, "--since", "2026-01-01", "--type", type, "--most", "2", ...policy);
      expect(only.stdout).to.match(
        /No more than 2 tickets were read \(--most\): of (incident|OPS) what was opened after 2026-/,
      );
    });

  it("compares two policies on all record types, with the shipped rules where none are named", async () => {
    await snowLives();
    snow.insert("change_request", { short_description: SECRET_WORDS, type: "normal" }, ABEL);
    const live = await backtest("--from", "snow", "--since", "2026-01-01", "--json");
    expect(figures(live).history).to.include({ tickets: 5 });
    const two = ["--policy", join(folder, "p"), "--policy", join(folders.config, "policy")];
    const { stdout } = await backtest("--from", "snow", "--since", "2026-01-01", "--json", ...two);
    expect((JSON.parse(stdout) as Report).policies).to.have.length(2); // our own output
  });

  it("leaves out what was opened before --since", async () => {
    await snowLives();
    const live = await backtest("--from", "snow", "--since", "2026-02-01", "--json");
    expect(figures(live).history).to.include({ tickets: 1, rows: 3, before: 0 });
  });

  it("ends with 1 and what to grant where the account may not read histories, and leaves no half of a file", async () => {
    await snowLives();
    const csv = join(folder, "never.csv");
    const args = ["--from", "snow", "--since", "2026-01-01", "--csv", csv];
    snow.faults.add({ path: /sys_audit/, kind: "status", status: 403 });
    snow.faults.auditHidden = true;
    for (const says of [/does not let the integration user read sys_audit/, /hides \d+ entries of sys_audit/]) {
      const { code, stdout, stderr } = await backtest(...args);
      expect([code, stdout]).to.deep.equal([1, ""]);
      expect(stderr)
        .to.match(says)
        .and.to.match(/read ACL on sys_audit/);
    }
    expect(existsSync(csv)).to.equal(false);
  });

  it("takes secrets as every command does, and ends with 1 where one is wrong or missing", async () => {
    writeFileSync(join(folder, "snow-password"), "wrong");
    const wrong = await backtest("--from", "snow", "--since", "2026-01-01");
    expect([wrong.code, wrong.stdout]).to.deep.equal([1, ""]);
    expect(wrong.stderr).to.match(/credentials are not accepted/);
    rmSync(join(folder, "jira-token"));
    const missing = await backtest("--from", "jira", "--since", "2026-01-01");
    expect(missing.code).to.equal(1);
    expect(missing.stderr).to.match(/jira-token cannot be read/);
  });

  it("refuses wrong usage with 2, and asks nothing", async () => {
    const since = ["--since", "2026-01-01"];
    const cases: [args: string[], says: RegExp][] = [
      [["--from", "snow"], /say from which day on the tickets of snow are read, such as --since 2026-01-31/],
      [
        ["--from", "snwo", ...since],
        /no file snwo and no connection of that name; there are snow, jira\. Did you mean "snow"\?/,
      ],
      [["--from", "snow", "--since", "soon"], /--since soon is not a day/],
      [
        ["--from", "snow", ...since, "--mapping", "uci"],
        /--mapping is for a file; tickets of snow are read by its own mappings/,
      ],
      [
        ["--from", "snow", ...since, "--type", "incidents"],
        /--type incidents is no record type of snow\. Did you mean "incident"\? It has incident, change_request/,
      ],
      [["--from", "snow", ...since, "--most", "0"], /--most 0 is no number of tickets from 1 to 200000/],
      [
        ["--from", join(folders.mappings, "history", "read.yaml"), "--type", "incident"],
        /--type is for a connection, and .* is a file/,
      ],
    ];
    const ended = await Promise.all(cases.map(([args]) => backtest(...args)));
    cases.forEach(([args, says], at) => {
      expect([ended[at]?.code, ended[at]?.stdout], args.join(" ")).to.deep.equal([2, ""]);
      expect(ended[at]?.stderr, args.join(" ")).to.match(says);
    });
    expect([...snow.requests, ...jira.requests]).to.deep.equal([]);
  });

  it("reads a file where one has the name of a connection, and says so", async () => {
    const readings = await snowLives();
    writeFileSync(join(folder, "snow"), readFileSync(written(readings)));
    const args = [
      "backtest",
      "--config",
      folders.config,
      "--mappings",
      folders.mappings,
      "--from",
      "snow",
      "--mapping",
      "read",
    ];
    snow.requests.length = 0;
    const there = ["sh", "-c", 'cd "$0" && exec "$@"', folder];
    const { code, stderr } = await run([...args, "--policy", join(folder, "p")], { under: there });
    expect(code, stderr).to.equal(0);
    expect(stderr).to.include("snow is a file here and a connection too; the file is read");
    expect(snow.requests).to.deep.equal([]);
  });
});
