import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type JiraSim, startJiraSim } from "../sim/jira.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import { startWebhookReceiver } from "../sim/webhook-receiver.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { JIRA_SECRET, SNOW_SECRET, SNOW_USER } from "../support/settings.ts";
import { type Ended, run } from "./command.ts";

const PUBLIC = "https://interlock.example.com";
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
const INSTALLED = ["sys_script", "sys_script_include", "sys_properties"];

describe("interlock connect", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(60_000);
  let folder: string;
  let folders: ConfigFolder;
  let snow: ServiceNowSim;
  let jira: JiraSim;

  beforeEach(async () => {
    snow = await startServiceNowSim({ users: [ADMIN], groups: [] });
    jira = await startJiraSim({ users: [JIRA_ADMIN], retryDelayMs: 20 });
    jira.admin.admins.add(JIRA_ADMIN.accountId);
    folder = mkdtempSync(join(tmpdir(), "interlock-connect-"));
    folders = writeConfigFolder(folder, { snowUrl: snow.url, jiraUrl: jira.url });
  });
  afterEach(async () => {
    await Promise.all([snow.close(), jira.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = (...args: string[]): Promise<Ended> =>
    run(["connect", ...args, "--config", folders.config, "--mappings", folders.mappings], {
      env: { INTERLOCK_AS_SECRET: "ada-secret" },
    });
  const asAdmin = (name: "snow" | "jira", ...more: string[]): Promise<Ended> =>
    connect(name, "--as", name === "snow" ? ADMIN.user_name : ADMIN.email, ...more);
  const installed = (): string => JSON.stringify(INSTALLED.map((table) => snow.rows(table)));
  const writes = (): string[] =>
    [...snow.requests, ...jira.requests]
      .filter(({ method }) => method !== "GET")
      .map(({ method, path }) => `${method} ${path}`);
  const ours = (table: string) => snow.rows(table).filter(({ sys_created_by }) => sys_created_by === ADMIN.user_name);

  describe("ServiceNow", () => {
    it("installs two properties, the script include and a rule per table, and says each", async () => {
      const { code, stdout, stderr } = await asAdmin("snow", "--public-url", PUBLIC);
      expect([code, stderr]).to.deep.equal([0, ""]);
      expect(stdout.trim().split("\n")).to.deep.equal([
        "snow: create the system property interlock.snow.url",
        "snow: create the system property interlock.snow.secret",
        "snow: create the script include InterlockWebhook",
        "snow: create the business rule on incident",
        "snow: create the business rule on change_request",
        "snow: create the business rule on sc_req_item",
      ]);
      const rules = ours("sys_script");
      expect(rules.map(({ collection }) => collection)).to.deep.equal(["incident", "change_request", "sc_req_item"]);
      for (const rule of rules) {
        expect(rule).to.include({
          when: "async_always",
          active: "true",
          action_insert: "true",
          action_update: "true",
          action_delete: "false",
        });
        expect(rule["filter_condition"]).to.equal(`sys_updated_by!=${SNOW_USER}^EQ`);
      }
      const [url, secret] = ours("sys_properties");
      expect(url).to.include({ name: "interlock.snow.url", value: `${PUBLIC}/webhooks/snow` });
      expect(secret).to.include({ name: "interlock.snow.secret", type: "password2", is_private: "true" });
      expect(secret?.["value"]).to.equal(`encrypted:${Buffer.from(SNOW_SECRET).toString("hex")}`);
    });

    it("has nothing to do the second time, and writes nothing", async () => {
      await asAdmin("snow", "--public-url", PUBLIC);
      const before = [installed(), writes().length];
      const { code, stdout } = await asAdmin("snow");
      expect([code, stdout]).to.deep.equal([0, "snow: nothing to do\n"]);
      expect([installed(), writes().length]).to.deep.equal(before);
    });

    it("says with --dry-run what it would do, and changes nothing", async () => {
      const before = installed();
      const { code, stdout } = await asAdmin("snow", "--public-url", PUBLIC, "--dry-run");
      expect(code).to.equal(0);
      expect(stdout).to.contain("snow: would create the business rule on incident\n");
      expect(stdout).to.contain("snow: dry run, nothing was changed\n");
      expect([installed(), writes()]).to.deep.equal([before, []]);
    });

    it("mends what was changed by hand, and only that", async () => {
      await asAdmin("snow", "--public-url", PUBLIC);
      const rule = ours("sys_script").find(({ collection }) => collection === "incident");
      snow.update("sys_script", rule?.sys_id ?? "", { active: false, filter_condition: "" }, { by: ADMIN.user_name });
      const { stdout } = await asAdmin("snow");
      expect(stdout).to.equal("snow: update the business rule on incident (active, filter_condition)\n");
      expect(snow.get("sys_script", rule?.sys_id ?? "")).to.include({ active: "true" });
      expect((await asAdmin("snow")).stdout).to.equal("snow: nothing to do\n");
    });

    it("switches off a second rule of the same name, and one for a table that is not mapped", async () => {
      await asAdmin("snow", "--public-url", PUBLIC);
      for (const collection of ["incident", "problem"])
        snow.insert(
          "sys_script",
          { name: `Interlock (snow): ${collection}`, collection, active: true },
          { by: ADMIN.user_name },
        );
      const other = snow.insert(
        "sys_script",
        { name: "INTERLOCK (SNOW): mine", collection: "problem" },
        { by: ADMIN.user_name },
      );
      const { stdout } = await asAdmin("snow");
      expect(stdout.trim().split("\n")).to.deep.equal([
        "snow: switch off the business rule on incident",
        "snow: switch off the business rule on problem, which is not mapped any more",
      ]);
      expect(snow.get("sys_script", other.sys_id)?.["active"]).to.equal("true");
      expect((await asAdmin("snow")).stdout).to.equal("snow: nothing to do\n");
    });

    it("replaces the address and the secret when they change", async () => {
      await asAdmin("snow", "--public-url", PUBLIC);
      const newer = Buffer.from("another secret of some length").toString("base64");
      writeFileSync(join(folder, "newer"), newer, { mode: 0o600 });
      const config = readFileSync(join(folders.config, "interlock.yaml"), "utf8");
      const rotated = config.replace(
        /(webhookSecrets:\n\s+- )(\S+snow-webhook\S*)/,
        `$1$2\n      - \${file:${join(folder, "newer")}}`,
      );
      expect(rotated, "the edit of the test must hit").to.not.equal(config);
      writeFileSync(join(folders.config, "interlock.yaml"), rotated);
      const { stdout, stderr } = await asAdmin("snow", "--public-url", "https://other.example.com");
      expect(stderr).to.equal("");
      expect(stdout.trim().split("\n")).to.deep.equal([
        "snow: update the system property interlock.snow.url (value)",
        "snow: update the system property interlock.snow.secret (description)",
      ]);
      expect(ours("sys_properties")[1]?.["value"]).to.equal(
        `encrypted:${Buffer.from(`whsec_${newer}`).toString("hex")}`,
      );
      expect(stdout).to.not.contain(newer);
    });

    it("names every table that the account may not look into, with the way out, and changes nothing", async () => {
      const { code, stdout } = await connect("snow", "--public-url", PUBLIC);
      expect(code).to.equal(1);
      expect(stdout).to.contain("snow: the account may not look into sys_script_include; it needs the role admin.");
      expect(stdout).to.contain("snow: the account may not look into sys_script; it needs the role admin.");
      expect(stdout).to.contain("--as <user_name>");
      expect(writes()).to.deep.equal([]);
    });

    it("installs no rule where the script include is refused", async () => {
      snow.faults.add({ method: "POST", path: /sys_script_include/, kind: "status", status: 403 });
      const { code, stdout } = await asAdmin("snow", "--public-url", PUBLIC);
      expect(code).to.equal(1);
      expect(stdout).to.contain(
        "snow: sys_script_include refuses to create the script include InterlockWebhook; it needs the role admin",
      );
      expect(stdout).to.contain("snow: left out: would create the business rule on incident");
      expect(ours("sys_script")).to.deep.equal([]);
    });

    it("writes the hand-install form without calling anybody, and without the secret", async () => {
      const out = join(folder, "by-hand");
      const { code } = await connect("snow", "--emit", out, "--public-url", PUBLIC);
      expect([code, snow.requests]).to.deep.equal([0, []]);
      const set = readFileSync(join(out, "update-set.xml"), "utf8");
      expect(set.match(/<sys_update_xml /g)).to.have.length(5);
      expect(set).to.contain("&lt;collection&gt;sc_req_item&lt;/collection&gt;");
      const app = readFileSync(join(out, "app/src/fluent/index.now.ts"), "utf8");
      expect(app).to.contain(`value: "${PUBLIC}/webhooks/snow"`).and.to.contain('table: "change_request"');
      expect(readFileSync(join(out, "app/src/scripts/InterlockWebhook.js"), "utf8")).to.contain("Class.create");
      expect(set + app).to.not.contain(SNOW_SECRET.replace("whsec_", ""));
    });
  });

  describe("Jira", () => {
    it("registers one signed webhook that arrives, and has nothing to do the second time", async () => {
      const receiver = await startWebhookReceiver();
      try {
        const origin = new URL(receiver.url).origin;
        const first = await asAdmin("jira", "--public-url", origin);
        expect([first.code, first.stdout]).to.deep.equal([
          0,
          `jira: create the webhook Interlock (jira) to ${origin}/webhooks/jira\n`,
        ]);
        jira.create("OPS", { summary: "x", issuetype: "Incident" }, { by: JIRA_ADMIN.accountId });
        await jira.webhooks.idle();
        const [hook] = jira.admin.webhooks;
        expect(hook).to.deep.include({ secret: JIRA_SECRET, enabled: true });
        expect(hook?.filters).to.deep.equal({ "issue-related-events-section": "project in (CHG, OPS)" });
        expect(hook?.events).to.include.members(["jira:issue_updated", "comment_created"]);
        expect(receiver.received).to.have.length(1);
        expect((await asAdmin("jira")).stdout).to.equal("jira: nothing to do\n");
        expect(writes()).to.have.length(1);
      } finally {
        await receiver.close();
      }
    });

    it("adopts one of ours, removes its doubles and leaves others alone", async () => {
      const url = `${PUBLIC}/webhooks/jira`;
      const hook = { events: [], filters: {}, enabled: false, secret: "" };
      jira.admin.webhooks.push(
        { ...hook, id: "901", name: "Chat", url: "https://chat.example.com/hook" },
        { ...hook, id: "902", name: "made by hand", url },
        { ...hook, id: "903", name: "Interlock (jira)", url },
        { ...hook, id: "904", name: "Interlock (jira-test)", url: "https://test.example.com/webhooks/jira-test" },
      );
      const dry = await asAdmin("jira", "--public-url", PUBLIC, "--dry-run");
      expect(dry.stdout).to.contain(
        "jira: would update the webhook Interlock (jira) (secret, enabled, events, filter)",
      );
      expect(writes()).to.deep.equal([]);
      expect((await asAdmin("jira", "--public-url", PUBLIC)).code).to.equal(0);
      expect(jira.admin.webhooks.map(({ id }) => id)).to.deep.equal(["901", "902", "904"]);
      expect(jira.admin.webhooks[1]).to.include({ url, enabled: true, secret: JIRA_SECRET });
      expect((await asAdmin("jira")).stdout).to.equal("jira: nothing to do\n");
    });

    it("says what an account lacks that may not register webhooks", async () => {
      const { code, stdout } = await connect("jira", "--public-url", PUBLIC);
      expect(code).to.equal(1);
      expect(stdout).to.contain("that takes the global permission Administer Jira");
      expect(stdout).to.contain("--as <e-mail>");
    });
  });

  it("exits with 2 for what it was not told", async () => {
    const ended = await Promise.all([
      connect("nowhere"),
      asAdmin("jira"),
      asAdmin("snow", "--public-url", "http://interlock.example.com/?a=b"),
    ]);
    expect(ended.map(({ code }) => code)).to.deep.equal([2, 2, 2]);
    expect(ended[0]?.stderr).to.contain("there is no connection nowhere; interlock.yaml has snow, jira");
    expect(ended[1]?.stderr).to.contain("--public-url https://interlock.acme.com");
  });
});
