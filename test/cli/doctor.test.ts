import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { readConfig } from "../../cli/config.ts";
import { type DoctorOptions, examine } from "../../cli/doctor.ts";
import { systemClock } from "../../cli/system.ts";
import type { Finding } from "../../connectors/finding.ts";
import { hookName, planHooks } from "../../connectors/jira/register.ts";
import { wantedRecords } from "../../connectors/servicenow/installation.ts";
import type { Clock } from "../../core/clock.ts";
import { closedPort } from "../connectors/open.ts";
import { type JiraSim, startJiraSim } from "../sim/jira.ts";
import type { AdminWebhook } from "../sim/jira-admin.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { GROUPS } from "../support/rig.ts";
import { JIRA_SECRET, SNOW_SECRET, SNOW_USER } from "../support/settings.ts";
import { run } from "./command.ts";

const ADMIN = {
  user_name: "ada.admin",
  name: "Ada Admin",
  email: "ada@example.com",
  password: "ada-secret",
  roles: ["admin"],
};
const JIRA_ADMIN = {
  accountId: "5b10-ada",
  displayName: "Ada Admin",
  emailAddress: ADMIN.email,
  apiToken: "ada-secret",
};
const BY = { by: ADMIN.user_name };
const ENV = { INTERLOCK_AS_SECRET: "ada-secret" };
const SNOW_URL = "https://interlock.example.com/webhooks/snow";
const JIRA_URL = "https://interlock.example.com/webhooks/jira";
/** Asked as the connection itself. */
const NOBODY = { as: "" };
const PROJECTS = ["OPS", "CHG"];

describe("interlock doctor", function (this: Mocha.Suite) {
  this.timeout(60_000);
  let folder: string;
  let folders: ConfigFolder;
  let snow: ServiceNowSim;
  let jira: JiraSim;

  beforeEach(async () => {
    snow = await startServiceNowSim({ users: [ADMIN], groups: GROUPS.map((name) => ({ name })) });
    jira = await startJiraSim({ users: [JIRA_ADMIN], groups: GROUPS });
    healthyInstance(snow);
    healthySite(jira);
    folder = mkdtempSync(join(tmpdir(), "interlock-doctor-"));
    folders = writeConfigFolder(folder, { snowUrl: snow.url, jiraUrl: jira.url });
  });
  afterEach(async () => {
    await Promise.all([snow.close(), jira.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const look = (name: "snow" | "jira", options: DoctorOptions = {}, clock: Clock = systemClock): Promise<Finding[]> => {
    const { as = name === "snow" ? ADMIN.user_name : ADMIN.email, ...more } = options;
    const all: DoctorOptions = { ...folders, ...more, ...(as !== "" && { as }) };
    const config = readConfig(all, {});
    const settings = config.settings.connections[name];
    if (!settings) throw new Error(`the test configures no ${name}`);
    return examine(name, settings, { config, options: all, clock, env: ENV });
  };
  const editFile = (path: string, from: string | RegExp, to: string): void => {
    const text = readFileSync(path, "utf8");
    const changed = text.replace(from, to);
    expect(changed, "the edit of the test must hit").to.not.equal(text);
    writeFileSync(path, changed);
  };
  const sneak = (table: string, where: Record<string, string>): string => {
    const row = snow
      .rows(table)
      .find((candidate) => Object.entries(where).every(([field, value]) => candidate[field] === value));
    return row?.sys_id ?? expect.fail(`no ${table} like that`);
  };

  /** Has a gate ask for facts. */
  const ask = (when: string): void => {
    const then = { gate: { approvers: { group: "CAB" }, before: ["close"], binds: ["priority"], expires: "1h" } };
    const rules = [{ id: "guard", why: "It says so", when, then }];
    writeFileSync(join(folders.config, "policy", "gates.yaml"), stringify(rules));
  };

  /** A planted fault must be found as this, and must be the only one found. */
  function expectOne(
    found: readonly Finding[],
    severity: Finding["severity"],
    check: string,
    words: { where?: string; what: RegExp; fix: RegExp },
  ): void {
    expect(found, JSON.stringify(found)).to.have.length(1);
    const [finding] = found;
    expect([finding?.severity, finding?.check]).to.deep.equal([severity, check]);
    if (words.where !== undefined) expect(finding?.where).to.equal(words.where);
    expect(finding?.what).to.match(words.what);
    expect(finding?.fix).to.match(words.fix);
  }

  describe("on a ServiceNow instance", () => {
    it("finds nothing wrong with a sound one, and writes nothing", async () => {
      expect(await look("snow")).to.deep.equal([]);
      expect(snow.requests.filter(({ method }) => method !== "GET")).to.deep.equal([]);
    });

    it("finds that nobody listens", async () => {
      editFile(join(folders.config, "interlock.yaml"), snow.url, await closedPort());
      expectOne(await look("snow"), "error", "reach", { what: /ECONNREFUSED/, fix: /firewall, port/ });
    });

    it("finds a sleeping instance", async () => {
      snow.faults.add({ path: /./, kind: "html", times: 9 });
      expectOne(await look("snow"), "error", "reach", {
        what: /web page where its API should be/,
        fix: /Wake the instance up/,
      });
    });

    it("finds a wrong password", async () => {
      writeFileSync(join(folder, "snow-password"), "wrong");
      expectOne(await look("snow"), "error", "login", {
        what: /credentials are not accepted/,
        fix: /active and not locked out/,
      });
    });

    it("finds a clock that is two minutes off, and one beyond the tolerance of signatures", async () => {
      for (const [offMs, severity] of [
        [120_000, "warning"],
        [-400_000, "error"],
      ] as const) {
        const clock: Clock = { ...systemClock, now: () => Date.now() + offMs };
        expectOne(await look("snow", {}, clock), severity, "clock", {
          what: /signatures are refused beyond 300 s/,
          fix: /NTP/,
        });
      }
    });

    it("finds an account that is an administrator", async () => {
      snow.insert(
        "sys_user_has_role",
        { user: snow.user(SNOW_USER), role: sneak("sys_user_role", { name: "admin" }) },
        BY,
      );
      expectOne(await look("snow"), "warning", "roles", {
        where: SNOW_USER,
        what: /has the role admin/,
        fix: /Take admin away/,
      });
    });

    it("finds an account in another time zone", async () => {
      snow.update("sys_user", snow.user(SNOW_USER), { time_zone: "Europe/Berlin" }, BY);
      expectOne(await look("snow"), "warning", "time zone", { what: /Europe\/Berlin/, fix: /GMT/ });
    });

    it("finds a table that is not there", async () => {
      editFile(join(folders.config, "interlock.yaml"), "change_request:", "change_requests:");
      const found = (await look("snow")).filter(({ check }) => check === "table");
      expectOne(found, "error", "table", { where: "change_requests", what: /no such table/, fix: /Correct records/ });
    });

    it("finds a field of a mapping that the table does not have", async () => {
      editFile(join(folders.mappings, "servicenow.incident.yaml"), "from: subcategory", "from: u_subcategory");
      expectOne(await look("snow"), "error", "fields", {
        where: "incident.u_subcategory",
        what: /no field of the table/,
        fix: /mappings\/servicenow\.incident\.yaml/,
      });
    });

    it("finds a field that the account may not write, and not one that its role opens", async () => {
      acl(snow, "incident.assignment_group", "security_admin");
      acl(snow, "incident.category", "itil");
      expectOne(await look("snow"), "error", "rights", {
        where: "incident.assignment_group",
        what: /write ACL incident\.assignment_group/,
        fix: /Give the user a role of the ACL/,
      });
    });

    it("finds a state that the mapping does not know", async () => {
      snow.insert("sys_choice", { name: "incident", element: "state", value: "9", label: "Parked" }, BY);
      expectOne(await look("snow"), "warning", "choices", {
        where: "incident.state",
        what: /offers 9, which the mapping does not know/,
        fix: /Add 9 to values/,
      });
    });

    it("finds a group that a rule names and nobody has", async () => {
      snow.update("sys_user_group", snow.group("Network Operations"), { active: false }, BY);
      expectOne(await look("snow"), "error", "groups", {
        where: "Network Operations",
        what: /no active group/,
        fix: /routing\.yaml/,
      });
    });

    it("looks at what facts are read from only where a rule asks for them", async () => {
      for (const name of ["cmdb_ci", "sys_user_grmember", "task.opened_at"]) snow.faults.closed.add(name);
      expect(await look("snow")).to.deep.equal([]);
      expect(snow.requests.filter(({ path }) => /cmdb_ci\?|grmember/.test(path))).to.deep.equal([]);
      healthyFacts(snow);
      ask('ci.environment == "Production" || inGroup(ticket.requester, "Board Office")');
      const found = await look("snow");
      expect(found.map(({ severity, check, where }) => [severity, check, where])).to.deep.equal([
        ["warning", "facts", "cmdb_ci"],
        ["warning", "facts", "sys_user_grmember"],
      ]);
      expect(found[0]?.fix).to.match(/read on cmdb_ci; on an empty table ignore this/);
    });

    const closed: [fact: string, when: string, name: string, declared?: string][] = [
      ["ci", 'ci.environment == "Production"', "cmdb_ci.environment"],
      ["ci", 'ci.environment == "Production"', "cmdb_ci.owned_by"],
      ["members", 'inGroup(ticket.requester, "Board Office")', "sys_user_grmember.user"],
      ["spend", "spend.month > 1000", "sc_req_item.opened_at", "task.opened_at"],
      ["impact", "impact.quality < 50", "cmdb_ci.managed_by"],
      ["impact", "impact.quality < 50", "cmdb_rel_ci.parent"],
      ["impact", "impact.quality < 50", "svc_ci_assoc.ci_id"],
      ["impact", "impact.quality < 50", "task_ci.ci_item"],
    ];
    for (const [fact, when, name, declared = name] of closed)
      it(`finds that ${name} may not be read, which ${fact} needs`, async () => {
        healthyFacts(snow);
        ask(when);
        expect(await look("snow")).to.deep.equal([]);
        snow.faults.closed.add(declared);
        expectOne(await look("snow"), "error", "facts", {
          where: name,
          what: new RegExp(`may not be read by the integration user, so that rules which ask for ${fact} hold`),
          fix: new RegExp(`read on ${name}`),
        });
      });

    it("finds that change_request.close_code may not be read, which impact and the mapping need", async () => {
      healthyFacts(snow);
      ask("impact.quality < 50");
      snow.faults.closed.add("change_request.close_code");
      const found = await look("snow");
      expect(found.map(({ check, where }) => [check, where])).to.deep.equal([
        ["fields", "change_request.close_code"],
        ["facts", "change_request.close_code"],
      ]);
    });

    it("finds a table of facts that is closed, and either spelling of criticality is enough", async () => {
      healthyFacts(snow);
      ask('ci.criticality == "1"');
      snow.faults.closed.add("cmdb_ci_service.busines_criticality");
      expect(await look("snow")).to.deep.equal([]);
      snow.faults.closed.add("cmdb_ci_service.business_criticality");
      expectOne(await look("snow"), "error", "facts", {
        where: "cmdb_ci_service.busines_criticality",
        what: /may not be read/,
        fix: /read on/,
      });
      snow.faults.closed.clear();
      snow.faults.add({ path: /table\/cmdb_ci\?/, kind: "status", status: 403 });
      expectOne(await look("snow"), "error", "facts", {
        where: "cmdb_ci",
        what: /may not be read/,
        fix: /read on cmdb_ci/,
      });
    });

    it("finds that the journal is hidden", async () => {
      snow.faults.journalHidden = true;
      expectOne(await look("snow"), "warning", "journal", {
        where: "sys_journal_field",
        what: /no entry at all/,
        fix: /read ACL/,
      });
    });

    it("finds a business rule that is missing", async () => {
      snow.remove("sys_script", sneak("sys_script", { name: "Interlock (snow): incident" }));
      expectOne(await look("snow"), "error", "webhook", {
        where: "business rule on incident",
        what: /missing/,
        fix: /interlock connect snow/,
      });
    });

    it("finds a business rule that was changed by hand", async () => {
      snow.update(
        "sys_script",
        sneak("sys_script", { name: "Interlock (snow): incident" }),
        { active: false, filter_condition: "priority=1" },
        BY,
      );
      expectOne(await look("snow"), "error", "webhook", {
        what: /changed by hand or is older: active, filter_condition/,
        fix: /interlock connect snow/,
      });
    });

    it("finds a business rule that stands there twice", async () => {
      const wanted = wantedRecords({
        connection: "snow",
        tables: ["incident"],
        integrationUser: SNOW_USER,
        url: SNOW_URL,
        secret: SNOW_SECRET,
      }).at(-1);
      snow.insert("sys_script", { ...wanted?.key, ...wanted?.fields }, BY);
      expectOne(await look("snow"), "error", "webhook", { what: /more than once/, fix: /interlock connect snow/ });
    });

    it("finds that the instance signs with another secret", async () => {
      snow.update(
        "sys_properties",
        sneak("sys_properties", { name: "interlock.snow.secret" }),
        { description: "by hand" },
        BY,
      );
      expectOne(await look("snow"), "error", "webhook", {
        where: "system property interlock.snow.secret",
        what: /description/,
        fix: /interlock connect snow/,
      });
    });

    it("finds an address that is not ours", async () => {
      snow.update(
        "sys_properties",
        sneak("sys_properties", { name: "interlock.snow.url" }),
        { value: "https://old.example.com/hook" },
        BY,
      );
      expectOne(await look("snow"), "error", "webhook", {
        what: /old\.example\.com.*not a route/,
        fix: /interlock connect snow/,
      });
    });

    it("says what it could not see without an administrator, instead of calling it sound", async () => {
      const found = await look("snow", NOBODY);
      expect(found.every(({ severity }) => severity === "warning")).to.equal(true);
      expect(found.filter(({ check }) => check === "webhook").map(({ where }) => where)).to.deep.equal([
        "sys_script_include",
        "sys_script",
      ]);
      for (const { fix } of found) expect(fix).to.contain("--as <administrator>");
    });
  });

  describe("on a Jira site", () => {
    it("finds nothing wrong with a sound one, and writes nothing", async () => {
      expect(await look("jira")).to.deep.equal([]);
      expect(
        jira.requests.filter(({ method, path }) => method !== "GET" && !path.includes("/search/jql")),
      ).to.deep.equal([]);
    });

    it("finds a dead token, which Jira itself takes for nobody's", async () => {
      writeFileSync(join(folder, "jira-token"), "expired-token");
      expectOne(await look("jira"), "error", "login", { what: /does not accept the token/, fix: /new API token/ });
    });

    it("finds an account in another time zone", async () => {
      const body = {
        accountId: "712020:interlock",
        displayName: "Interlock",
        timeZone: "America/New_York",
        active: true,
      };
      jira.faults.add({ path: /\/myself/, kind: "status", status: 200, body });
      expectOne(await look("jira"), "warning", "time zone", { what: /America\/New_York/, fix: /UTC/ });
    });

    it("finds an account that administers the site", async () => {
      jira.admin.admins.add(jira.integration.accountId);
      expectOne(await look("jira"), "warning", "rights", {
        what: /administers the site/,
        fix: /administrators' groups/,
      });
    });

    it("finds a project that is not there", async () => {
      editFile(join(folders.config, "interlock.yaml"), "CHG: jira.change", "CHANGES: jira.change");
      const found = (await look("jira")).filter(({ check }) => check === "project");
      expectOne(found, "error", "project", { where: "CHANGES", what: /no such project/, fix: /Correct records/ });
    });

    it("finds a permission that is missing, in each project", async () => {
      jira.admin.permissions.delete("ASSIGN_ISSUES");
      const found = await look("jira");
      expect(found.map(({ where, what }) => [where, what])).to.deep.equal(
        PROJECTS.map((key) => [key, "the account lacks the permission Assign issues"]),
      );
      expect(found[0]?.fix).to.match(/permission scheme of OPS/);
    });

    it("finds a field of a mapping that the site does not have", async () => {
      editFile(join(folders.mappings, "jira.incident.yaml"), "customfield_10109", "customfield_19999");
      expectOne(await look("jira"), "error", "fields", {
        where: "OPS.customfield_19999",
        what: /no field of the site/,
        fix: /mappings\/jira\.incident\.yaml/,
      });
    });

    it("finds a field that rules set and that is on no edit screen", async () => {
      jira.admin.offScreen.add("customfield_10101");
      const found = await look("jira");
      expect(found.map(({ severity, where }) => [severity, where])).to.deep.equal(
        PROJECTS.map((key) => ["error", `${key}.customfield_10101`]),
      );
      expect(found[0]?.fix).to.match(/edit screen of OPS/);
    });

    it("finds a status that the mapping does not know", async () => {
      editFile(join(folders.mappings, "jira.incident.yaml"), /Canceled: canceled/, "Withdrawn: canceled");
      expectOne(await look("jira"), "warning", "choices", {
        where: "OPS.status",
        what: /offers Canceled/,
        fix: /Add Canceled to values/,
      });
    });

    it("finds a group that a rule names and nobody has", async () => {
      editFile(
        join(folders.config, "policy", "routing.yaml"),
        "group: Network Operations",
        "group: Netwrok Operations",
      );
      expectOne(await look("jira"), "error", "groups", {
        where: "Netwrok Operations",
        what: /no group of the site/,
        fix: /routing\.yaml/,
      });
    });

    it("finds that it may not look up who is in which group, only where a rule asks for that", async () => {
      jira.admin.permissions.delete("USER_PICKER");
      expect(await look("jira")).to.deep.equal([]);
      ask('inGroup(ticket.requester, "Board Office")');
      expectOne(await look("jira"), "error", "facts", { what: /Browse users and groups/, fix: /Global permissions/ });
      jira.admin.permissions.add("USER_PICKER");
      expect(await look("jira")).to.deep.equal([]);
    });

    it("says which facts nobody can tell of its issues", async () => {
      ask('ci.environment == "Production" || spend.month > 1000');
      expect(await look("jira"), "none of its records is a request").to.deep.equal([]);
      editFile(join(folders.mappings, "jira.change.yaml"), "kind: change", "kind: request");
      expectOne(await look("jira"), "warning", "facts", {
        what: /spend, which Jira cannot tell/,
        fix: /ticket.connection/,
      });
      editFile(join(folders.mappings, "jira.change.yaml"), "kind: request", "kind: change");
      const file = join(folders.config, "interlock.yaml");
      const settings = parse(readFileSync(file, "utf8")) as { connections: Record<string, unknown> }; // the file of this test
      settings.connections["other"] = settings.connections["snow"];
      writeFileSync(file, stringify(settings));
      expectOne(await look("jira"), "warning", "facts", {
        what: /ask for ci, and there is not exactly one ServiceNow connection/,
        fix: /Leave one ServiceNow connection/,
      });
      ask("impact.quality < 50");
      expectOne(await look("jira"), "warning", "facts", {
        what: /ask for impact, and there is not exactly one ServiceNow connection/,
        fix: /have the rules ask for impact where ticket.connection is another/,
      });
    });

    const plants: [string, (hooks: AdminWebhook[], hook: AdminWebhook) => unknown, RegExp][] = [
      ["is missing", (hooks) => void hooks.splice(0), /no webhook is registered/],
      ["stands there twice", (hooks, hook) => void hooks.push({ ...hook, id: "2" }), /2 webhooks are registered/],
      ["is switched off", (_, hook) => Object.assign(hook, { enabled: false }), /switched off/],
      ["has no secret", (_, hook) => Object.assign(hook, { secret: "" }), /no secret/],
      [
        "has another secret",
        (_, hook) => Object.assign(hook, { name: hookName("jira", "an older secret") }),
        /another secret/,
      ],
      [
        "leaves out comments",
        (_, hook) => Object.assign(hook, { events: ["jira:issue_updated"] }),
        /leaves out events/,
      ],
      ["covers other projects", (_, hook) => Object.assign(hook, { filters: {} }), /JQL filter/],
      [
        "leads elsewhere",
        (_, hook) => Object.assign(hook, { url: "https://old.example.com/hook" }),
        /old\.example\.com/,
      ],
    ];
    for (const [name, plant, what] of plants)
      it(`finds that the webhook ${name}`, async () => {
        const { webhooks } = jira.admin;
        const [hook] = webhooks;
        if (!hook) return expect.fail("no webhook to spoil");
        plant(webhooks, hook);
        expectOne(await look("jira"), "error", "webhook", { what, fix: /interlock connect jira as an administrator/ });
      });

    it("says that webhooks could not be looked at without an administrator", async () => {
      expectOne(await look("jira", NOBODY), "warning", "webhook", {
        what: /cannot be looked at/,
        fix: /--as <administrator>/,
      });
    });
  });

  it("prints findings with their fix, and ends with 1 for an error and with 0 for warnings only", async () => {
    const command = (...args: string[]) =>
      run(["doctor", ...args, "--config", folders.config, "--mappings", folders.mappings], { env: ENV });
    const warned = await command("snow", "--json");
    expect([warned.code, warned.stderr]).to.deep.equal([0, ""]);
    expect(JSON.parse(warned.stdout)).to.include({ ok: true });
    jira.admin.webhooks.splice(0);
    const failed = await command("jira", "--as", ADMIN.email);
    expect(failed.code).to.equal(1);
    expect(failed.stdout).to.equal(
      "error jira webhook: jira: no webhook is registered: changes are not told. Run interlock connect jira as an administrator.\njira: 1 errors, 0 warnings.\n",
    );
  });
});

/** An instance on which connect has run and that holds a record of every table, with a note. */
function healthyInstance(snow: ServiceNowSim): void {
  const tables = ["incident", "change_request", "sc_req_item"];
  const installation = { connection: "snow", tables, integrationUser: SNOW_USER, url: SNOW_URL, secret: SNOW_SECRET };
  for (const { table, key, fields } of wantedRecords(installation)) snow.insert(table, { ...key, ...fields }, BY);
  for (const table of tables) {
    const { sys_id } = snow.insert(table, { short_description: "x" }, BY);
    snow.update(table, sys_id, { work_notes: "a note", urgency: "2" }, BY);
  }
}

/** An instance with a record of everything that facts are read from. */
function healthyFacts(snow: ServiceNowSim): void {
  const shop = snow.insert("cmdb_ci_service", { name: "Shop", owned_by: snow.user(ADMIN.user_name) }, BY).sys_id;
  snow.insert("cmdb_rel_ci", { parent: shop, child: shop }, BY);
  snow.insert("svc_ci_assoc", { service_id: shop, ci_id: shop }, BY);
  snow.insert("task_ci", { ci_item: shop, task: snow.rows("incident")[0]?.sys_id ?? "" }, BY);
  const group = snow.group(GROUPS[0] ?? "");
  snow.insert("sys_user_grmember", { user: snow.user(ADMIN.user_name), group }, BY);
}

/** A site on which connect has run and that holds an issue of every project. */
function healthySite(jira: JiraSim): void {
  jira.admin.admins.add(JIRA_ADMIN.accountId);
  const [step] = planHooks([], { connection: "jira", projects: PROJECTS, url: JIRA_URL, secret: JIRA_SECRET });
  jira.admin.webhooks.push({ id: "1", ...step?.body } as AdminWebhook); // the body that connect would send
  jira.create("OPS", { summary: "x", issuetype: "Incident" }, { by: JIRA_ADMIN.accountId });
  jira.create("CHG", { summary: "x", issuetype: "Change" }, { by: JIRA_ADMIN.accountId });
}

function acl(snow: ServiceNowSim, name: string, role: string): void {
  const known = snow.rows("sys_user_role").find((row) => row["name"] === role)?.sys_id;
  const sys_user_role = known ?? snow.insert("sys_user_role", { name: role }, BY).sys_id;
  const sys_security_acl = snow.insert("sys_security_acl", { name, operation: "write" }, BY).sys_id;
  snow.insert("sys_security_acl_role", { sys_security_acl, sys_user_role }, BY);
}
