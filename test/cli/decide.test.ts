import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { run } from "./command.ts";

const SECRETS = {
  ...{ SNOW_ID: "id", SNOW_SECRET: "secret", JIRA_TOKEN: "token", JIRA_WEBHOOK_SECRET: "a secret of Jira" },
  SNOW_WEBHOOK_SECRET: Buffer.from("a secret of thirty-two characters").toString("base64"),
};

describe("interlock decide", () => {
  const folder = mkdtempSync(join(tmpdir(), "interlock-decide-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  function decided(yaml: string, ...more: string[]) {
    const file = join(folder, "ticket.yaml");
    writeFileSync(file, yaml);
    return run(["decide", file, ...more], { env: SECRETS });
  }

  it("says what the shipped rules decide for a ticket that is written down, and by which rule", async () => {
    const { code, stdout } = await decided("ticket: { kind: incident, title: Phishing mail, priority: 3 }\n");
    expect(code).to.equal(0);
    expect(stdout).to.include("(rule security-to-security-operations)");
    expect(stdout).to.include("Needs approval by Security Operations");
    expect(stdout).to.include("Asked for and not given: advice.");
  });

  it("prints JSON for machines", async () => {
    const { code, stdout } = await decided("ticket: { kind: incident, priority: 4 }\n", "--json");
    expect([code, Object.keys(JSON.parse(stdout))]).to.deep.equal([0, ["decision", "missing"]]);
  });

  it("says what is wrong with the file, with its place, and exits with 1", async () => {
    const { code, stderr } = await decided("ticket: { kind: incident, titel: x }\n");
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /ticket\.yaml:1:27 ticket\.titel: "titel" is not a known key here\. Did you mean "title"\?/,
    );
  });
});
