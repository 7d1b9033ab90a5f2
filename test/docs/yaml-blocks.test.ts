import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { diskFiles } from "../../cli/system.ts";
import { loadHistory } from "../../core/backtest/history.ts";
import type { ConfigFiles } from "../../core/config/files.ts";
import { loadConfig } from "../../core/config/load.ts";
import { runPolicyTests } from "../../core/policy/run-tests.ts";
import { renderProblem } from "../../core/problem.ts";
import { newKey } from "../core/ledger/ledgers.ts";
import { FOLDERS } from "../core/support/config-files.ts";

interface Block {
  /** Document and line, as a failing test is known by. */
  name: string;
  text: string;
  /** The file that it shows, as its first line says or its keys do; undefined where neither does. */
  path: string | undefined;
}

const SETTINGS = "config/interlock.yaml";
const POLICY = "config/policy";
const HISTORY = "mappings/history/";

const DOCUMENTS = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith(".md"),
);

function blocksOf(document: string, text: string): Block[] {
  return [...text.matchAll(/^```ya?ml\n([\s\S]*?)^```/gm)].map((match) => {
    const line = text.slice(0, match.index).split("\n").length;
    const block = match[1] ?? "";
    return { name: `${document}:${line}`, text: block, path: pathOf(block) };
  });
}

function pathOf(block: string): string | undefined {
  const named = /^# (config\/interlock\.yaml|config\/policy\/\S+\.yaml|mappings\/(?:history\/)?[\w.-]+\.yaml)\n/.exec(
    block,
  )?.[1];
  if (named !== undefined) return named;
  const value: unknown = parse(block);
  const keys = value !== null && typeof value === "object" ? Object.keys(value) : [];
  if (keys.includes("csv")) return `${HISTORY}shown.yaml`;
  if (keys.includes("vendor")) return "mappings/servicenow.incident.yaml";
  if (keys.includes("rules") && keys.includes("default")) return `${POLICY}/routing.yaml`;
  return keys.some((key) => ["connections", "store", "limits", "mode", "webhookAuth", "ai", "ledger"].includes(key))
    ? SETTINGS
    : undefined;
}

const GIVEN: Readonly<Record<string, string>> = {
  SNOW_ID: "an-id",
  SNOW_SECRET: "a-secret",
  SNOW_WEBHOOK_SECRET: Buffer.alloc(32, 1).toString("base64"),
  JIRA_TOKEN: "a-token",
  JIRA_WEBHOOK_SECRET: "a-secret-of-jira",
  HOOK_USER: "hook",
  HOOK_PASSWORD: "a-password",
  HOOK_TOKEN: "a-token",
  ANTHROPIC_API_KEY: "a-key",
  OPENAI_API_KEY: "a-key",
  GEMINI_API_KEY: "a-key",
  AWS_ACCESS_KEY_ID: "an-id",
  AWS_SECRET_ACCESS_KEY: "a-secret",
  SNOWFLAKE_TOKEN: "a-token",
  AZURE_API_KEY: "a-key",
};
const FILES: Readonly<Record<string, string>> = { "/run/secrets/ledger.pem": newKey() };
const SECRETS = { variable: (name: string) => GIVEN[name], file: (path: string) => FILES[path] };

/** The shipped settings, mappings and routing rules with the blocks of one document in place of what they show. */
function filesWith(block: Block, others: readonly Block[]): ConfigFiles {
  const shown = new Map<string, string>();
  for (const { path, text } of [...others].reverse()) if (path?.startsWith(POLICY)) shown.set(path, text);
  if (block.path !== undefined) shown.set(block.path, block.path === SETTINGS ? settingsWith(block.text) : block.text);
  return {
    read: (path) => shown.get(path) ?? (isOtherPolicy(path) ? undefined : diskFiles.read(path)),
    list: (folder) =>
      folder === POLICY
        ? [...shown.keys()].filter((path) => path.startsWith(`${POLICY}/`)).map((path) => path.slice(POLICY.length + 1))
        : diskFiles.list(folder),
  };
}

function isOtherPolicy(path: string): boolean {
  return path.startsWith(`${POLICY}/`) && path !== `${POLICY}/routing.yaml`;
}

/** A document shows a part of the settings: the rest is as shipped. */
function settingsWith(text: string): string {
  const shipped = parse(readFileSync(SETTINGS, "utf8")) as Record<string, unknown>; // our own file, a mapping
  const part = parse(text) as Record<string, unknown>; // pathOf saw its keys
  if (!("webhookAuth" in part)) return stringify({ ...shipped, ...part });
  const { jira, ...connections } = shipped["connections"] as Record<string, object>; // likewise
  const { webhookSecrets: _, ...rest } = jira as Record<string, unknown>; // likewise
  return stringify({ ...shipped, connections: { ...connections, jira: { ...rest, ...part } } });
}

/** Everything that is wrong with a block: the file it shows, and for a test file, its tests. */
function problemsOf(block: Block, others: readonly Block[]): string[] {
  if (block.path === undefined) return ["nobody can tell which file this is: say it in the first line, # config/..."];
  const files = filesWith(block, others);
  if (block.path.startsWith(HISTORY)) {
    const history = loadHistory(files, "mappings", block.path.slice(HISTORY.length, -".yaml".length));
    return "problems" in history ? history.problems.map(renderProblem) : [];
  }
  const loaded = loadConfig(files, FOLDERS, SECRETS);
  if ("problems" in loaded) return loaded.problems.map(renderProblem);
  if (!block.path.startsWith(POLICY) || !block.path.endsWith(".test.yaml")) return [];
  const run = runPolicyTests(files, POLICY, loaded.config.policy);
  const own = [block.path, block.path.replace(".test.yaml", ".yaml")];
  const wrong = run.problems.filter(({ file }) => own.includes(file)).map(renderProblem);
  return run.passed > 0 || wrong.length > 0 ? wrong : ["no test of it ran"];
}

describe("YAML blocks of the documentation", () => {
  let seen = 0;
  for (const document of DOCUMENTS) {
    const blocks = blocksOf(document, readFileSync(document, "utf8"));
    seen += blocks.length;
    for (const block of blocks) {
      it(`${block.name} ${block.path ?? ""} is sound`, () => {
        expect(problemsOf(block, blocks)).to.deep.equal([]);
      });
    }
  }

  it("are found, all of them", () => {
    const opened = DOCUMENTS.flatMap((path) => [...readFileSync(path, "utf8").matchAll(/^```ya?ml/gm)]);
    expect(seen).to.equal(opened.length).and.to.be.greaterThan(10);
  });

  it("are checked at all: every kind of fault is found", () => {
    const blocks = blocksOf("docs/policy.md", readFileSync("docs/policy.md", "utf8"));
    const broken = (path: string, from: string, to: string): string[] => {
      const block = blocks.find((known) => known.path === path);
      if (!block?.text.includes(from)) throw new Error(`${from} does not stand in a block of ${path}`);
      return problemsOf({ ...block, text: block.text.replace(from, to) }, blocks);
    };
    expect(broken(`${POLICY}/routing.yaml`, "ticket.priority", "ticket.prioritty")).to.have.lengthOf(1);
    expect(broken(`${POLICY}/freezes.yaml`, "Europe/Berlin", "CET")[0]).to.include("is not a time zone");
    expect(broken(`${POLICY}/gates.yaml`, "expires: 72h", "expires: soon")[0]).to.include("is not a length of time");
    expect(broken(`${POLICY}/freezes.test.yaml`, "holds: [stocktaking]", "holds: []")[0]).to.include("expected holds");
    const ai = blocksOf("docs/ai.md", readFileSync("docs/ai.md", "utf8")).find(({ text }) =>
      text.includes("anthropic"),
    );
    if (!ai) throw new Error("docs/ai.md shows no provider");
    const unknown = problemsOf({ ...ai, text: ai.text.replace("type: anthropic", "type: antropic") }, []);
    expect(unknown.join()).to.include("ai.providers.claude");
    expect(problemsOf({ name: "a", text: "a: b\n", path: pathOf("a: b\n") }, [])[0]).to.include("nobody can tell");
  });
});
