import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { closedPort } from "../connectors/open.ts";
import { expectGolden } from "../core/support/golden.ts";
import { type JiraSim, startJiraSim } from "../sim/jira.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { GROUPS, PROJECTS } from "../support/rig.ts";
import { type Ended, run } from "./command.ts";

/** Those that the other shipped files of rules name. */
const ALL_GROUPS = [...GROUPS, "Budget Owners", "Change Advisory Board", "Incident Managers", "IT Purchasing"];
const ABEL = { by: "abel.tuter" };

describe("interlock check --live", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(60_000);
  let folder: string;
  let folders: ConfigFolder;
  let snow: ServiceNowSim;
  let jira: JiraSim;

  beforeEach(async () => {
    snow = await startServiceNowSim({ groups: ALL_GROUPS.map((name) => ({ name })) });
    jira = await startJiraSim({ groups: ["Service Desk"], projects: PROJECTS });
    jira.create("OPS", { summary: "x", issuetype: "Incident" }, { by: "5b10-abel" });
    jira.create("CHG", { summary: "x", issuetype: "Change" }, { by: "5b10-abel" });
    folder = mkdtempSync(join(tmpdir(), "interlock-live-"));
    folders = writeConfigFolder(folder, { snowUrl: snow.url, jiraUrl: jira.url, wholePolicy: true });
  });
  afterEach(async () => {
    await Promise.all([snow.close(), jira.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const check = (...more: string[]): Promise<Ended> =>
    run(["check", "--live", "--config", folders.config, "--mappings", folders.mappings, ...more]);

  const edit = (path: string, from: string | RegExp, to: string): void => {
    const text = readFileSync(path, "utf8");
    const changed = text.replace(from, to);
    expect(changed, `the edit of ${path} must hit`).to.not.equal(text);
    writeFileSync(path, changed);
  };
  const rules = (name: string, from: string | RegExp, to: string): void =>
    edit(join(folders.config, "policy", `${name}.yaml`), from, to);
  const mapping = (name: string, from: string | RegExp, to: string): void =>
    edit(join(folders.mappings, `${name}.yaml`), from, to);
  const settings = (from: string | RegExp, to: string): void => edit(join(folders.config, "interlock.yaml"), from, to);
  /** What an admin sees, without what differs from run to run. */
  const shown = ({ stdout }: Ended): string =>
    stdout
      .replaceAll(`${folder}/`, "")
      .replace(/policy version [0-9a-f]{16}/, "policy version ...")
      .replace(/^Checked and tested, but .*\n/m, "");

  it("finds nothing where all is there, says what it held, and changes nothing", async () => {
    const ended = await check();
    expect([ended.code, ended.stderr]).to.deep.equal([0, ""]);
    expect(shown(ended)).to.match(
      /^Held against snow and jira: 13 groups, 0 people, \d+ values and \d+ fields\.\nThe configuration is sound: /,
    );
    expect(snow.requests.filter(({ method }) => method !== "GET")).to.deep.equal([]);
    expect(jira.requests.filter(({ method, path }) => method !== "GET" && !path.includes("/search/jql"))).to.deep.equal(
      [],
    );
    // Groups, choices and fields are asked for together: what a check costs does not grow with the rules.
    expect([snow.requests.length, jira.requests.length].every((calls) => calls <= 25)).to.equal(true);
  });

  it("names every group that no system knows, with the one that was meant", async () => {
    rules("routing", "group: Network Operations", "group: Netwrok Operations");
    rules(
      "gates",
      "approvers: { group: Security Operations }, before",
      "approvers: { groups: [Security Operatoins] }, before",
    );
    rules("change-risk", "fallback: { group: Change Management }", "fallback: { group: change management }");
    rules(
      "freezes",
      "override: { approvers: { group: Change Management }",
      "override: { approvers: { group: Chnage Management }",
    );
    rules(
      "sla",
      "escalate: { group: Incident Managers, takeOver: true }",
      "escalate: { group: Incident Manager, takeOver: true }",
    );
    rules("sla", "mention: [Request Fulfilment]", "mention: [Request Fulfillment Team, Beth Anglin]");
    rules("change-risk", "ask: { group: Change Management }", "ask: { group: The People Upstairs }");
    rules("change-risk", "approvers: { group: Change Advisory Board }", "approvers: { group: Change Advisry Board }");
    rules("requests", "group: Workplace Hardware, task", "group: Workplace Hardwear, task");
    rules("incidents", "notify: [Senior Engineers, Service Desk]", "notify: [Senior Engineers, Servcie Desk]");
    mapping("servicenow.request", "intake: [Service Desk]", "intake: [Service Dask]");
    const ended = await check();
    expect(ended.code).to.equal(1);
    expectGolden(new URL("./check-live-groups.golden.txt", import.meta.url), shown(ended));
  });

  it("names people who are not there, not active, or several", async () => {
    const staff = { user_name: "old.boss", name: "Old Boss", email: "old.boss@example.com" };
    snow.insert("sys_user", { ...staff, active: false }, ABEL);
    for (const user_name of ["pat.one", "pat.two"])
      snow.insert("sys_user", { user_name, name: "Pat", email: "pat@example.com" }, ABEL);
    rules(
      "gates",
      "approvers: { group: Budget Owners }",
      "approvers: { people: [old.boss@example.com, abel.tutor@example.com, pat@example.com, beth.anglin, 5b10-abel] }",
    );
    rules("routing", "assign:\n        group: Request Fulfilment", "assign:\n        person: abel.tuder");
    snow.update("sys_user_group", snow.group("Identity and Access"), { active: false }, ABEL);
    const ended = await check();
    expect(ended.code).to.equal(1);
    expectGolden(new URL("./check-live-people.golden.txt", import.meta.url), shown(ended));
  });

  it("names values that no list offers, and fields, tables and projects that are not there", async () => {
    rules(
      "autonomy",
      'when: ticket.kind == "change" && ticket.change.type in ["standard", "normal"]',
      'when: ticket.kind == "change" && ticket.category in ["hardware", "Software"]',
    );
    rules("gates", 'when: ticket.category == "security" ||', 'when: ticket.category in ["security", "secuirty"] ||');
    rules("routing", "assign:\n        group: Business Applications", "set:\n        category: sofware");
    mapping("servicenow.incident", "subcategory: { from: subcategory }", "subcategory: { from: sub_category }");
    mapping("servicenow.incident", '"5": { impact: "3", urgency: "3" }', '"5": { impact: "4", urgency: "3" }');
    rules("routing", "set:\n        category: sofware", "set:\n        category: sofware\n        priority: 5");
    mapping("jira.incident", "Canceled: canceled", "Cancelled: canceled");
    mapping("jira.incident", "customfield_10109", "customfield_19999");
    mapping("jira.incident", "intake: [Other]", "intake: [Others]");
    settings("sc_req_item: servicenow.request", "sc_req_itme: servicenow.request");
    settings("CHG: jira.change", "CHANGES: jira.change");
    const ended = await check();
    expect(ended.code).to.equal(1);
    expectGolden(new URL("./check-live-values.golden.txt", import.meta.url), shown(ended));
  });

  it("says once that a system cannot be reached, and holds what it can against the other", async () => {
    settings(jira.url, await closedPort());
    rules("routing", "group: Network Operations", "group: Netwrok Operations");
    mapping("servicenow.incident", "from: subcategory", "from: sub_category");
    const ended = await check();
    expect(ended.code).to.equal(1);
    expectGolden(new URL("./check-live-unreachable.golden.txt", import.meta.url), shown(ended));
  });

  it("says that a system broke off half way, and takes nothing that it said before for an answer", async () => {
    jira.faults.add({ path: /\/field$/, kind: "status", status: 503 });
    const ended = await check();
    expect(ended.code).to.equal(1);
    expect(shown(ended)).to.match(
      /^config\/interlock\.yaml:25:14 connections\.jira\.baseUrl: jira answered inspect with 503: .*nothing was held against jira\. Run it again when the system answers\.\nHeld against snow: /,
    );
  });

  it("says that a login is refused, and that neither system answered", async () => {
    writeFileSync(join(folder, "snow-password"), "wrong");
    writeFileSync(join(folder, "jira-token"), "expired");
    const ended = await check();
    expect(ended.code).to.equal(1);
    const lines = shown(ended);
    expect(lines).to.match(
      /connections\.snow\.auth: .*credentials are not accepted.*nothing was held against snow\. Correct auth/,
    );
    expect(lines).to.match(
      /connections\.jira\.auth: .*does not accept the token.*nothing was held against jira\. Make a new API token/,
    );
    expect(lines).to.contain("\n2 problems.").and.to.not.contain("Held against");
    expect(`${ended.stdout}${ended.stderr}`).to.not.contain("wrong").and.to.not.contain("expired");
  });

  it("says what the account may not look into, and blames no name for it", async () => {
    jira.admin.permissions.delete("USER_PICKER");
    rules("gates", "approvers: { group: Budget Owners }", "approvers: { group: Budgte Owners }");
    const ended = await check();
    expect(ended.code).to.equal(0);
    expect(shown(ended)).to.contain(
      "Not held against the live systems: jira: groups and people (give the account the global permission Browse users and groups).\n" +
        "Not held against the live systems: 3 names, since a system that may know them did not say.\n",
    );
  });

  it("tells the same as data", async () => {
    rules("gates", "approvers: { group: Budget Owners }", "approvers: { group: Budgte Owners }");
    const ended = await check("--json");
    expect(ended.code).to.equal(1);
    const { ok, problems, live, mappingTestsPassed } = JSON.parse(ended.stdout) as Record<string, unknown>; // our own output
    expect([ok, mappingTestsPassed]).to.deep.equal([false, 28]);
    expect(problems).to.have.length(1);
    expect(live).to.deep.include({ answered: ["snow", "jira"], notHeld: [] });
    expect(live).to.have.property("counts").that.includes({ groups: 14, people: 0 });
  });

  it("holds nothing against anybody while the configuration does not load", async () => {
    settings("mode: act", "mode: auto");
    const ended = await check();
    expect(ended.code).to.equal(1);
    expect(shown(ended)).to.contain("Nothing was held against the live systems: first the configuration must load.");
    expect([...snow.requests, ...jira.requests]).to.deep.equal([]);
  });

  it("asks nobody without --live", async () => {
    const { code } = await run(["check", "--config", folders.config, "--mappings", folders.mappings]);
    expect([code, snow.requests.length + jira.requests.length]).to.deep.equal([0, 0]);
  });
});
