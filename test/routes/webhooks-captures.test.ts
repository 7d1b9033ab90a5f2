import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type Ingress, jiraHeaders, startIngress } from "./ingress.ts";

// Captures of real sites, kept beside the repository since they are not ours to publish.
const FOLDER = fileURLToPath(new URL("../../../shared/fixtures/jira-webhooks/", import.meta.url));
const FILES = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith(".json")) : [];

interface Capture {
  issue?: { id: string; key: string };
  comment?: { self: string };
}

describe("Webhooks that real Jira sites have sent", () => {
  let ingress: Ingress;

  before(async function (this: Mocha.Context) {
    if (FILES.length === 0) {
      process.stdout.write("      skipped: ../shared/fixtures/jira-webhooks is not beside this repository\n");
      this.skip();
    }
    const keys = FILES.map((name) => capture(name).issue?.key ?? "");
    const projects = [...new Set(keys.map((key) => key.slice(0, key.lastIndexOf("-"))).filter((key) => key !== ""))];
    ingress = await startIngress({ projects });
  });
  after(() => ingress?.close());

  for (const name of FILES) {
    it(`point at their issue: ${name}`, async () => {
      const bytes = readFileSync(join(FOLDER, name));
      const answer = await ingress.deliver("jira", jiraHeaders(bytes, { id: name }), bytes);
      expect(answer.status).to.equal(202);
      expect(answer.json).to.deep.equal({ outcome: "accepted", delivery: name });
      const { issue, comment } = capture(name);
      const id = issue?.id ?? /\/issue\/(\d+)\/comment/.exec(comment?.self ?? "")?.[1] ?? "";
      const view = await ingress.store.view("jira", id);
      expect(view?.ticket).to.equal(`jira/issue/${id}`);
      expect(view?.dueAtMs).to.be.a("number");
      if (issue) expect(view?.key).to.equal(issue.key);
    });
  }

  it("include those of Data Center that carry a comment without its issue", function (this: Mocha.Context) {
    if (FILES.length === 0) this.skip();
    expect(FILES.filter((name) => capture(name).issue === undefined)).to.not.be.empty;
  });
});

function capture(name: string): Capture {
  return JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Capture; // a capture's shape is what these tests are about
}
