import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Ajv } from "ajv";
import ajvFormats from "ajv-formats";
import { expect } from "chai";
import { parse } from "yaml";
import { schemaTexts } from "../../docs/schema/generate.ts";

const FOLDER = "docs/schema";
const texts = schemaTexts();

/** Every YAML file that an admin edits. */
const SHIPPED = ["config", "config/policy", "mappings", "mappings/history"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => `${folder}/${name}`),
);

function schemaNameOf(path: string): string {
  if (path.startsWith("mappings/") && path.endsWith(".test.yaml")) return "mapping-tests";
  if (path.startsWith("mappings/")) return path.startsWith("mappings/history/") ? "history" : "mapping";
  if (path.endsWith(".test.yaml")) return "policy-tests";
  return path.slice(path.lastIndexOf("/") + 1, -".yaml".length);
}

function faultsOf(name: string, value: unknown): string[] {
  const ajv = new Ajv({ allErrors: true, strict: false });
  ajvFormats.default(ajv);
  const check = ajv.compile(JSON.parse(texts[`${name}.json`] ?? "") as object); // generated from our own schemas
  return check(value)
    ? []
    : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message ?? ""}`);
}

describe("the JSON Schemas", () => {
  it("are those of the present schemas: npm run schemas writes them", () => {
    const written = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
    expect(written.sort()).to.deep.equal(Object.keys(texts).sort());
    for (const name of written) expect(readFileSync(join(FOLDER, name), "utf8"), name).to.equal(texts[name]);
  });

  it("say what a length of time looks like, and what a key means", () => {
    expect(faultsOf("gates", [gate({ expires: "three days" })])).to.deep.equal([
      '/0/then/gate/expires: must match pattern "^(\\d{1,5}d)?(\\d{1,5}h)?(\\d{1,5}m)?(\\d{1,5}s)?$"',
    ]);
    expect(faultsOf("gates", [gate({ expires: "72h" })])).to.deep.equal([]);
    expect(texts["gates.json"]).to.include("The sentence that people read in the ticket.");
  });

  it("underline a key that nobody knows", () => {
    expect(faultsOf("gates", [gate({ approver: "Somebody" })])).to.deep.equal([
      "/0/then/gate: must NOT have additional properties",
    ]);
  });
});

function gate(more: object): object {
  const asked = { approvers: { group: "Security Operations" }, before: ["assign"], binds: ["title"], expires: "72h" };
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { id: "a", why: "It says so", when: "true", then: { gate: { ...asked, ...more } } };
}

describe("the shipped YAML files", () => {
  for (const path of SHIPPED) {
    it(`${path} names its schema in the first line, and is sound by it`, () => {
      const text = readFileSync(path, "utf8");
      const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? "";
      expect(normalize(join(dirname(path), named))).to.equal(`${FOLDER}/${schemaNameOf(path)}.json`);
      expect(faultsOf(schemaNameOf(path), parse(text))).to.deep.equal([]);
    });
  }

  it("are there for every file of a policy, each with its tests", () => {
    const names = readdirSync("config/policy").filter((name) => name.endsWith(".test.yaml"));
    const rules = readdirSync("config/policy").filter((name) => !name.endsWith(".test.yaml"));
    expect(names.map((name) => name.replace(".test", ""))).to.deep.equal(rules);
    expect(rules).to.have.lengthOf(9);
  });
});
