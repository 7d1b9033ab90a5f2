import { readFileSync } from "node:fs";
import { expect } from "chai";
import { POLICY_FILES } from "../../core/config/policy-files.ts";
import { MODES } from "../../core/config/settings.ts";
import { EFFECTS } from "../../core/decision.ts";
import { type CelType, expressionCompiler } from "../../core/expression.ts";
import { PERSON_FIELDS } from "../../core/expression-own.ts";
import { policyDeclarations } from "../../core/policy/declarations.ts";
import { FACT_TYPES } from "../../core/policy/facts.ts";
import { BINDABLE } from "../../core/policy/gates.ts";
import { TICKET_KINDS } from "../../core/ticket.ts";

const page = readFileSync("docs/policy.md", "utf8");
const named = new Set([...page.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text));

/** Every path of a declared variable; people are named as `ticket.assignee`, with `.id` apart. */
function pathsOf(name: string, type: CelType): string[] {
  if (type === "person") return [name, ...Object.keys(PERSON_FIELDS).map((key) => `.${key}`)];
  if (typeof type === "string") return [name];
  return Object.entries(type).flatMap(([key, inner]) => pathsOf(`${name}.${key}`, inner));
}

function missing(wanted: readonly string[]): string[] {
  return wanted.filter((name) => !named.has(name));
}

describe("the page about rules", () => {
  const declarations = policyDeclarations({});

  it("names everything that a rule may read", () => {
    const paths = Object.entries(declarations).flatMap(([name, type]) => pathsOf(name, type));
    expect(missing(paths)).to.deep.equal([]);
    expect(paths).to.have.length.greaterThan(30);
  });

  it("names nothing of a ticket or a fact that a rule may not read", () => {
    const known = new Set(Object.entries(declarations).flatMap(([name, type]) => pathsOf(name, type)));
    const roots = ["ticket", ...Object.keys(FACT_TYPES)].join("|");
    const claimed = [...named].filter((text) => new RegExp(`^(${roots})\\.[\\w.]+$`).test(text ?? ""));
    expect(claimed.filter((path) => !known.has(path ?? ""))).to.deep.equal([]);
    expect(claimed).to.have.length.greaterThan(30);
  });

  it("names every file, effect, bindable field, mode and kind", () => {
    const files = POLICY_FILES.map((name) => `${name}.yaml`);
    expect(missing([...files, ...EFFECTS, ...BINDABLE, ...MODES, ...TICKET_KINDS])).to.deep.equal([]);
  });

  it("shows calls that can be written just so", () => {
    const table = page.slice(page.indexOf("| function |"), page.indexOf("Lengths of time in YAML"));
    const examples = table.split("\n").flatMap((row) => {
      const shown = row.split("|")[2] ?? "";
      return [...shown.matchAll(/`([^`]+)`/g)].map(([, text]) => text ?? "");
    });
    const times = { within: () => true, businessHours: () => 1, windows: [], calendars: ["office"], complete: true };
    const compile = expressionCompiler(declarations, { ...times, windows: ["office"] });
    const wrong = examples
      .filter((text) => text.includes("ticket.") || text.includes("now"))
      .flatMap((text) => {
        const compiled = compile(text);
        return "fault" in compiled ? [`${text}: ${compiled.fault.what}`] : [];
      });
    expect(wrong).to.deep.equal([]);
    expect(examples).to.have.length.greaterThan(8);
  });
});
