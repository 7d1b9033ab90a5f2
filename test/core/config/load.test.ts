import { expect } from "chai";
import fc from "fast-check";
import { loadConfig } from "../../../core/config/load.ts";
import { POLICY_FILES } from "../../../core/config/policy-files.ts";
import { renderProblem } from "../../../core/problem.ts";
import { RISK_MODEL_NAME } from "../../../core/risk/model.ts";
import {
  configOf,
  edited,
  FOLDERS,
  filesOf,
  problemsOf,
  ROUTING,
  SECRETS,
  SETTINGS,
  SNOW,
  SOUND,
} from "../support/config-files.ts";

describe("loadConfig", () => {
  it("answers with settings, mappings and rules, secrets filled in", () => {
    const { settings, mappings, policy } = configOf(SOUND);
    expect(settings.connections["snow"]?.auth).to.deep.equal({
      type: "basic",
      username: "bot",
      password: "the-password-of-the-bot",
    });
    expect(settings.limits.leaseMs, "a default").to.be.greaterThan(0);
    expect([...mappings.keys()]).to.deep.equal(["jira", "snow"]);
    expect(policy.routing.rules.map(({ id }) => id)).to.deep.equal(["senior", "phone"]);
    expect(policy.custom).to.deep.equal({ contactType: "string" });
  });

  it("tells what is wrong in all files at once", () => {
    let texts = edited(SOUND, SETTINGS, "port: 8080", "port: eighty");
    texts = edited(texts, SETTINGS, "mode: act", "mode: acting");
    texts = edited(texts, SETTINGS, "JIRA_WEBHOOK", "NOT_SET");
    texts = edited(texts, SNOW, "{ from: category }", "{ from: a-b }");
    texts = edited(texts, ROUTING, "ticket.priority", "ticket.prio");
    texts = edited(texts, ROUTING, "{ leave: true }", "{}");
    const places = problemsOf(texts).map(({ file, path }) => `${file} ${path}`);
    expect(places).to.deep.equal([
      `${SETTINGS} listen.port`,
      `${SETTINGS} mode`,
      `${SETTINGS} connections.jira.webhookSecrets.0`,
      `${ROUTING} rules.0.when`,
      `${ROUTING} rules.1.then`,
      `${SNOW} fields.category.from`,
    ]);
  });

  it("does not blame the rules for a mapping that is wrong", () => {
    const texts = edited(SOUND, SNOW, "contact_type", "contact-type");
    expect(problemsOf(texts).map(({ file }) => file)).to.deep.equal([SNOW]);
  });

  it("counts the mappings of a folder and says when there are too many", () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`mappings/m${n}.yaml`, SOUND[SNOW] ?? ""]));
    const lines = problemsOf({ ...SOUND, ...many }).map(renderProblem);
    expect(lines.join("\n")).to.match(/mappings: the folder holds 202 mappings\. Keep 200 at the most/);
  });

  describe("the version of a policy", () => {
    const version = (texts: typeof SOUND): string => configOf(texts).policy.version;

    it("is the same for the same files", () => {
      expect(version(SOUND))
        .to.equal(version({ ...SOUND }))
        .and.to.match(/^[0-9a-f]{16}$/);
    });

    it("does not depend on layout and comments", () => {
      const other = edited(SOUND, ROUTING, "then: { leave: true }", "then:\n      leave: true # to people");
      expect(version(other)).to.equal(version(SOUND));
    });

    it("is another one for other rules, another order or other custom fields", () => {
      const rules = edited(SOUND, ROUTING, "priority <= 2", "priority <= 1");
      const swapped = edited(edited(SOUND, ROUTING, "id: senior", "id: x"), ROUTING, "id: phone", "id: senior");
      const custom = edited(SOUND, SNOW, "contactType:", "label: { from: l }\n  contactType:");
      const versions = [SOUND, rules, swapped, custom].map(version);
      expect(new Set(versions).size).to.equal(versions.length);
    });
  });

  it("answers with problems and never throws, whatever stands in a file (property)", () => {
    const junk = fc.oneof(fc.string(), fc.json(), fc.string({ unit: "binary", maxLength: 200 }));
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(SOUND)), junk, (file, text) => {
        expect(problemsOf({ ...SOUND, [file]: text })).not.to.have.length(0);
      }),
    );
  });

  it("reads no file it was not asked for", () => {
    const asked: string[] = [];
    const files = filesOf(SOUND);
    const read = (path: string): string | undefined => {
      asked.push(path);
      return files.read(path);
    };
    loadConfig({ ...files, read }, FOLDERS, SECRETS);
    const optional = POLICY_FILES.map((name) => `config/policy/${name}.yaml`);
    const model = `config/policy/${RISK_MODEL_NAME}`;
    expect(asked.sort()).to.deep.equal([...new Set([...Object.keys(SOUND), ...optional, model])].sort());
  });
});
