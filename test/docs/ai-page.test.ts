import { readFileSync } from "node:fs";
import { expect } from "chai";
import { diskFiles } from "../../cli/system.ts";
import { PROMPT_FIELDS, SHOWN } from "../../core/advice/prompt-fields.ts";
import { STEPS, UNANSWERED } from "../../core/advice/step.ts";
import { WINDOW_TICKETS } from "../../core/advice/trust.ts";
import { AiSettings } from "../../core/config/ai.ts";
import { ProviderSettings } from "../../core/config/ai-settings.ts";
import { loadConfig } from "../../core/config/load.ts";
import { renderProblem } from "../../core/problem.ts";
import { FOLDERS } from "../core/support/config-files.ts";

const page = readFileSync("docs/ai.md", "utf8");

describe("the page about AI", () => {
  it("says of every reason why there is no answer what it means and what to do, and of no other", () => {
    const table = page.slice(page.indexOf("| reason |"), page.indexOf("## Orders hidden"));
    const rows = [...table.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$/gm)];
    expect(rows.map(([, reason]) => reason)).to.deep.equal([...UNANSWERED]);
    for (const [row, , meaning = "", remedy = ""] of rows)
      expect([meaning.trim(), remedy.trim()], row).to.not.include("");
  });

  it("names every step, and every type of provider", () => {
    const types = ProviderSettings.options.map(({ shape }) => shape.type.value);
    const missing = [...STEPS.map((step) => `\`${step}\``), ...types.map((type) => `type: ${type}`)].filter(
      (text) => !page.includes(text),
    );
    expect(missing).to.deep.equal([]);
    expect(types).to.have.lengthOf(6);
  });

  it("tells what is shown to a model as the code shows it", () => {
    const { shows, audit, storm, breaker } = AiSettings.parse({});
    expect(shows.classify).to.deep.equal(["title", "description"]);
    expect([SHOWN.title.codePointsMax, SHOWN.description.codePointsMax]).to.deep.equal([300, 6_000]);
    const others = PROMPT_FIELDS.filter((field) => !["title", "description", "change.backoutPlan"].includes(field));
    expect([...new Set(others.map((field) => SHOWN[field].codePointsMax))]).to.deep.equal([200]);
    expect(SHOWN["change.backoutPlan"].codePointsMax).to.equal(3_000);
    expect([audit, WINDOW_TICKETS]).to.deep.equal([300, 200]);
    expect(storm).to.deep.equal({ questionsPerMinute: 60, keepPriority: 2 });
    expect(breaker).to.deep.equal({ failuresMax: 5, restMs: 60_000 });
  });

  it("shows a curve that is there, and nothing that could run", () => {
    const svg = readFileSync("docs/coverage.svg", "utf8");
    expect(page).to.include("](coverage.svg)");
    expect(svg).to.match(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [\s\S]*class="curve"[\s\S]*<\/svg>\n$/);
    expect(svg).to.not.include("script");
  });
});

describe("ai: in the shipped interlock.yaml", () => {
  const text = readFileSync("config/interlock.yaml", "utf8");
  const SECRETS = { variable: () => Buffer.alloc(32, 1).toString("base64"), file: () => undefined };
  const load = (settings: string) => {
    const read = (path: string) => (path === "config/interlock.yaml" ? settings : diskFiles.read(path));
    return loadConfig({ ...diskFiles, read }, FOLDERS, SECRETS);
  };

  it("is a comment: AI is off", () => {
    const loaded = load(text);
    if ("problems" in loaded) throw new Error(loaded.problems.map(renderProblem).join("\n"));
    expect(loaded.config.settings.ai).to.equal(undefined);
  });

  it("is sound without its comment signs", () => {
    const from = text.indexOf("# ai:\n");
    expect(from).to.be.greaterThan(0);
    const loaded = load(text.slice(0, from) + text.slice(from).replaceAll(/^# /gm, ""));
    if ("problems" in loaded) throw new Error(loaded.problems.map(renderProblem).join("\n"));
    expect(loaded.config.settings.ai?.steps.classify?.chain).to.deep.equal(["local", "claude", "person"]);
  });
});
