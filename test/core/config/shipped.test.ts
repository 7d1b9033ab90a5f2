import { readFileSync } from "node:fs";
import { expect } from "chai";
import { diskFiles } from "../../../cli/system.ts";
import { loadConfig } from "../../../core/config/load.ts";
import type { SecretSource } from "../../../core/config/secrets.ts";
import { writableFields } from "../../../core/mapping/mapping.ts";
import { runMappingTests } from "../../../core/mapping/run-tests.ts";
import { renderProblem } from "../../../core/problem.ts";
import { FOLDERS } from "../support/config-files.ts";

const GIVEN: Readonly<Record<string, string>> = {
  SNOW_ID: "an-id",
  SNOW_SECRET: "a-secret",
  SNOW_WEBHOOK_SECRET: Buffer.from("thirty-two bytes of pure secrecy").toString("base64"),
  JIRA_TOKEN: "a-token",
  JIRA_WEBHOOK_SECRET: "a-secret-of-jira",
};

const NAMES = ["jira.change", "jira.incident", "servicenow.change", "servicenow.incident", "servicenow.request"];

function shipped(given: Readonly<Record<string, string>> = GIVEN): ReturnType<typeof loadConfig> {
  const secrets: SecretSource = { variable: (name) => given[name], file: () => undefined };
  return loadConfig(diskFiles, FOLDERS, secrets);
}

function rendered(loaded: ReturnType<typeof loadConfig>): string[] {
  return "problems" in loaded ? loaded.problems.map(renderProblem) : [];
}

describe("the shipped configuration", () => {
  it("is sound once its secrets are given", () => {
    expect(rendered(shipped())).to.deep.equal([]);
  });

  it("does not write until somebody says so", () => {
    const loaded = shipped();
    expect("config" in loaded && loaded.config.settings.mode).to.equal("observe");
  });

  it("says of each secret that is missing where it belongs and what to set", () => {
    const lines = rendered(shipped({}));
    const names = Object.keys(GIVEN).sort();
    expect(lines).to.have.length(names.length);
    for (const name of names) {
      expect(lines.join("\n")).to.match(new RegExp(`interlock\\.yaml:\\d+:\\d+ .*variable ${name} is not set`));
    }
  });

  it("uses every mapping it ships", () => {
    const loaded = shipped();
    if (!("config" in loaded)) throw new Error("the shipped configuration does not load");
    const { connections } = loaded.config.settings;
    const used = Object.values(connections).flatMap(({ records }) => Object.values(records));
    expect(used.sort()).to.deep.equal(NAMES);
    expect([...loaded.config.mappings.keys()].sort()).to.deep.equal(NAMES);
  });

  it("has a rule for every kind of ticket, and a default", () => {
    const text = readFileSync("config/policy/routing.yaml", "utf8");
    for (const kind of ["incident", "change", "request"]) expect(text).to.include(`ticket.kind == "${kind}"`);
    expect(text).to.match(/^default:$/m);
  });
});

describe("the shipped mappings", () => {
  const loaded = shipped();
  const mappings = "config" in loaded ? loaded.config.mappings : new Map();

  it("pass their tests", () => {
    const run = runMappingTests(diskFiles, FOLDERS.mappings, mappings);
    expect(run.problems.map(renderProblem)).to.deep.equal([]);
    expect(run.passed).to.be.at.least(3 * NAMES.length);
  });

  for (const name of NAMES) {
    it(`${name} has a test that maps, one that finds drift and one that writes`, () => {
      const text = diskFiles.read(`mappings/${name}.test.yaml`) ?? "";
      for (const part of [/^ {2}expect:/m, /^ {2}drift:/m, /^ {2}write:/m]) expect(text).to.match(part);
    });

    it(`${name} can write the group that the shipped rules assign`, () => {
      const mapping = mappings.get(name);
      expect(mapping && writableFields(mapping)).to.include("assignmentGroup");
    });
  }
});
