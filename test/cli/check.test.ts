import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { RISK_MODEL_NAME } from "../../core/risk/model.ts";
import { riskModelText } from "../core/support/changes.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { type Ended, run } from "./command.ts";

const SECRETS = {
  SNOW_ID: "snow-client",
  SNOW_SECRET: "snow-client-secret",
  SNOW_WEBHOOK_SECRET: Buffer.from("a secret of thirty-two characters").toString("base64"),
  JIRA_TOKEN: "jira-api-token",
  JIRA_WEBHOOK_SECRET: "a jira webhook secret",
};

const ANYWHERE = { snowUrl: "http://127.0.0.1:9", jiraUrl: "http://127.0.0.1:9" };

interface Report {
  ok: boolean;
  problems: { file: string; line: number; col: number; what: string; fix: string }[];
  testsPassed: number;
  mappingTestsPassed: number;
  policyTestsPassed: number | null;
  notActedOn: string[];
  unaskable: string[];
  policyVersion: string | null;
}

function report({ stdout }: Ended): Report {
  return JSON.parse(stdout) as Report; // our own output
}

describe("interlock check", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(60_000);
  let folder: string;
  let folders: ConfigFolder;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "interlock-check-"));
    folders = writeConfigFolder(folder, ANYWHERE);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const check = (...more: string[]) =>
    run(["check", "--config", folders.config, "--mappings", folders.mappings, ...more]);
  const edit = (path: string, from: string | RegExp, to: string): void => {
    const text = readFileSync(path, "utf8");
    const changed = text.replace(from, to);
    expect(changed, "the edit of the test must hit").to.not.equal(text);
    writeFileSync(path, changed);
  };

  it("finds the shipped configuration sound once its secrets are set", async () => {
    const [text, json] = await Promise.all([
      run(["check"], { env: SECRETS }),
      run(["check", "--json"], { env: SECRETS }),
    ]);
    expect([text.code, text.stderr, json.code, json.stderr]).to.deep.equal([0, "", 0, ""]);
    const { ok, problems, testsPassed, mappingTestsPassed, policyTestsPassed, notActedOn, policyVersion } =
      report(json);
    expect([ok, problems]).to.deep.equal([true, []]);
    expect(mappingTestsPassed).to.be.above(10);
    expect(policyTestsPassed).to.be.above(10);
    expect(testsPassed).to.equal(mappingTestsPassed + (policyTestsPassed ?? 0));
    expect(notActedOn).to.deep.equal(["requests.yaml", "incidents.yaml", "knowledge.yaml"]);
    expect(policyVersion).to.match(/^[0-9a-f]{16}$/);
    const later = `Checked and tested, but no decision is made by them yet: ${notActedOn.join(", ")}.\n`;
    const passed = `${mappingTestsPassed} mapping tests and ${policyTestsPassed} policy tests passed`;
    expect(text.stdout).to.equal(`${later}The configuration is sound: ${passed}, policy version ${policyVersion}.\n`);
  });

  it("tells of a Jira in which nobody can be asked for an approval, and finds it sound", async () => {
    writeConfigFolder(folder, { ...ANYWHERE, wholePolicy: true });
    edit(join(folders.config, "interlock.yaml"), / {4}approvals:\n( {6}.*\n)+/, "");
    const [text, json] = await Promise.all([check(), check("--json")]);
    expect([text.code, json.code]).to.deep.equal([0, 0]);
    expect(text.stdout).to.contain(
      "connection jira: nobody can be asked for an approval there: set approvals (docs/approvals.md)\n",
    );
    expect(report(json).unaskable).to.deep.equal(["jira"]);
  });

  it("tells which model scores changes, and passes the tests of the rules with it", async () => {
    const none = { snowUrl: "http://127.0.0.1:9", jiraUrl: "http://127.0.0.1:9" };
    folders = writeConfigFolder(folder, { ...none, wholePolicy: true });
    writeFileSync(join(folders.config, "policy", RISK_MODEL_NAME), riskModelText());
    const [text, json] = await Promise.all([check(), check("--json")]);
    expect([text.code, json.code]).to.deep.equal([0, 0]);
    expect(text.stdout).to.contain(
      "learnt from 1000 changes of 2024-01-01 to 2025-01-01, of which 120 went wrong (AUC 0.750); the tests",
    );
    expect(JSON.parse(json.stdout)).to.have.deep.nested.property("riskModel.validation.auc", 7_500);
  });

  it("names every secret that is not set, with its place", async () => {
    const { code, stdout } = await run(["check"]);
    expect(code).to.equal(1);
    for (const name of Object.keys(SECRETS))
      expect(stdout).to.match(new RegExp(`config/interlock\\.yaml:\\d+:\\d+ .*${name}`));
    expect(stdout).to.contain("\n5 problems.");
  });

  it("lists everything that is wrong at once, in all files, each with its place and what to write", async () => {
    edit(join(folders.config, "interlock.yaml"), "mode: act", "mode: auto\nlogLevle: info");
    edit(join(folders.config, "policy", "routing.yaml"), "ticket.priority", "ticket.prioritty");
    edit(join(folders.mappings, "jira.incident.yaml"), "transform: adf", "transform: adff");
    const [ended, asJson] = await Promise.all([check(), check("--json")]);
    expect(ended.code).to.equal(1);
    const lines = ended.stdout.split("\n");
    for (const name of ["interlock.yaml", "routing.yaml", "jira.incident.yaml"])
      expect(
        lines.some((line) => new RegExp(`${name}:\\d+:\\d+ `).test(line)),
        name,
      ).to.equal(true);
    expect(ended.stdout).to.contain("logLevle").and.to.contain("prioritty").and.to.contain("adff");
    expect(ended.stdout).to.match(/\n[3-9] problems\.\n$/);

    expect(asJson.code).to.equal(1);
    expect(report(asJson).ok).to.equal(false);
    expect(report(asJson).problems.length).to.be.at.least(3);
    for (const { line, what, fix } of report(asJson).problems) {
      expect(line).to.be.above(0);
      expect(what).to.not.equal("");
      expect(fix).to.not.equal("");
    }
  });

  it("points at the line, in the folders that the environment names", async () => {
    const path = join(folders.config, "interlock.yaml");
    appendFileSync(path, "colour: blue\n");
    const line = readFileSync(path, "utf8").split("\n").indexOf("colour: blue") + 1;
    const env = { INTERLOCK_CONFIG: folders.config, INTERLOCK_MAPPINGS: folders.mappings };
    const { stdout } = await run(["check"], { env });
    expect(stdout).to.contain(`interlock.yaml:${line}:1 colour: `);
    expect(stdout).to.contain("\n1 problem.\n");
  });

  it("finds a mapping whose own tests do not pass any more", async () => {
    edit(join(folders.mappings, "servicenow.incident.yaml"), '"3": on_hold', '"3": in_progress');
    const ended = await check("--json");
    expect(ended.code).to.equal(1);
    expect(
      report(ended)
        .problems.map(({ file }) => file)
        .join(),
    ).to.contain("servicenow.incident");
  });

  it("runs the mapping tests even where a secret is not set, and a mapping that is wrong hides none of the others'", async () => {
    edit(join(folders.mappings, "servicenow.incident.yaml"), '"3": on_hold', '"3": in_progress');
    edit(join(folders.mappings, "servicenow.request.yaml"), "from: assignment_group", "frm: assignment_group");
    edit(join(folders.mappings, "servicenow.change.test.yaml"), "expect:", "expct:");
    edit(join(folders.config, "interlock.yaml"), /apiToken: .*/, `apiToken: "\${NOT_SET}"`);
    const { code, stdout } = await check();
    expect(code).to.equal(1);
    const wanted = ["NOT_SET is not set", "servicenow.incident.", "frm", "servicenow.change.test.yaml"];
    for (const words of wanted) expect(stdout).to.contain(words);
  });

  it("runs the tests of the rules, and says at a wrong expectation what came", async () => {
    edit(join(folders.config, "policy", "routing.test.yaml"), /rule: [a-z0-9-]+/, "rule: the-rest-to-the-service-desk");
    const { code, stdout } = await check();
    expect(code).to.equal(1);
    expect(stdout).to.match(/routing\.test\.yaml:\d+:\d+ .*expected rule the-rest-to-the-service-desk, and got /);
    expect(stdout).to.contain("\n1 problem.\n");
  });

  it("finds a rule that has no test, and a value that never comes", async () => {
    rmSync(join(folders.config, "policy", "routing.test.yaml"));
    edit(join(folders.config, "policy", "routing.yaml"), 'ticket.kind == "change"', 'ticket.kind == "chnage"');
    const { code, stdout } = await check();
    expect(code).to.equal(1);
    expect(stdout).to.contain("routing.yaml has no tests").and.to.contain('Did you mean "change"?');
  });

  it("says so where the tests of the rules could not be run", async () => {
    edit(join(folders.config, "policy", "routing.yaml"), "ticket.priority", "ticket.prioritty");
    const [text, json] = await Promise.all([check(), check("--json")]);
    expect(text.stdout).to.contain("The tests of the rules were not run");
    expect(report(json).policyTestsPassed).to.equal(null);
  });

  it("says what is missing where there is no configuration at all", async () => {
    const { code, stdout } = await run(["check", "--config", join(folder, "nothing"), "--mappings", folders.mappings]);
    expect(code).to.equal(1);
    expect(stdout).to.contain("interlock.yaml");
  });

  it("never shows a secret", async () => {
    edit(join(folders.config, "interlock.yaml"), "mode: act", "mode: auto");
    const ended = await Promise.all([
      run(["check", "--json"], { env: { ...SECRETS, SNOW_WEBHOOK_SECRET: "too short" } }),
      check(),
    ]);
    for (const { code, stdout, stderr } of ended) {
      expect(code).to.equal(1);
      for (const secret of [...Object.values(SECRETS), "too short", "interlock-password", "interlock-token"])
        expect(`${stdout}${stderr}`).to.not.contain(secret);
    }
  });
});
