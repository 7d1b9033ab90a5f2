import { Engine, type RuleProperties } from "json-rules-engine";
import { decide } from "../../core/policy/decide.ts";
import type { Ticket } from "../../core/ticket.ts";
import { policyOf } from "../core/support/policies.ts";
import { uciTickets } from "./uci-tickets.ts";

const RULES = 500;
const TICKETS = 10_000;
const NOW_MS = Date.UTC(2016, 5, 1);

/**
 * Not in package.json: its native parts are not published for every platform, and a lock file that names them installs
 * nowhere. Whoever measures installs it by hand.
 */
const ZEN: string = "@gorules/zen-engine";
const ZEN_VERSION = "0.54.0";

/** As far as it is used here. */
interface Zen {
  ZenEngine: new () => {
    createDecision(content: Buffer): {
      evaluate(context: object, options: { trace: boolean }): Promise<{ result: { rule?: unknown } | null }>;
    };
  };
}

async function loadZen(): Promise<Zen> {
  try {
    return (await import(ZEN)) as Zen; // a package without types here
  } catch (error) {
    throw new Error(`${ZEN} is not installed; run: npm install --no-save ${ZEN}@${ZEN_VERSION}`, { cause: error });
  }
}

/** A rule of four conditions, drawn from what the log really holds, in the words of all three engines. */
interface Drawn {
  category: string;
  subcategory: string;
  priorityMax: number;
  impact: number;
  group: string;
}

/**
 * Decisions a second with 500 rules of four conditions and a full trace, beside two rule engines with the same rules,
 * the same tickets, in the same run. The slower engines are given fewer tickets; every figure is a rate. All three must
 * agree on which rule decides.
 */
export async function benchDecide(): Promise<Record<string, unknown>> {
  const tickets = uciTickets(TICKETS);
  if (!tickets) return { bench: "decide", skipped: "../shared/data/uci-incident-events-dev.csv.gz is not there" };
  const rules = drawRules(tickets);
  const ours = interlock(rules);
  const theirs = jsonRules(rules);
  const zen = zenRules(rules, await loadZen());
  const sample = tickets.slice(0, 200);
  for (const ticket of sample) {
    const answers = [ours(ticket), await theirs(ticket), await zen(ticket)];
    if (new Set(answers).size !== 1) throw new Error(`${ticket.ref.key}: the engines disagree: ${answers.join(", ")}`);
  }
  const interlockPerS = await rate(tickets, async (ticket) => ours(ticket));
  const jsonPerS = await rate(tickets.slice(0, 300), theirs);
  const zenPerS = await rate(tickets.slice(0, 2_000), zen);
  return {
    bench: "decide",
    rules: RULES,
    tickets: tickets.length,
    interlock_per_s: Math.round(interlockPerS),
    json_rules_engine_per_s: Math.round(jsonPerS),
    zen_per_s: Math.round(zenPerS),
    times_json_rules_engine: Number((interlockPerS / jsonPerS).toFixed(1)),
    times_zen: Number((interlockPerS / zenPerS).toFixed(1)),
  };
}

/** Every 20th ticket gives a rule that it matches itself, so that rules fire as they would. */
function drawRules(tickets: readonly Ticket[]): Drawn[] {
  const step = Math.floor(tickets.length / RULES);
  return Array.from({ length: RULES }, (_, index) => {
    const { category, subcategory, priority, impact } = tickets[index * step] ??
      tickets[0] ?? { category: "", subcategory: "", priority: 4, impact: 3 };
    return { category, subcategory, priorityMax: priority, impact, group: `Group ${index}` };
  });
}

const idOf = (index: number): string => `rule-${index + 1}`;

function interlock(rules: readonly Drawn[]): (ticket: Ticket) => string {
  const policy = policyOf(
    rules.map(({ category, subcategory, priorityMax, impact, group }) => ({
      when: `ticket.category == ${JSON.stringify(category)} && ticket.subcategory == ${JSON.stringify(subcategory)} && ticket.priority <= ${priorityMax} && ticket.impact == ${impact}`,
      does: { assign: { group } },
    })),
  );
  return (ticket) => {
    const outcome = decide(ticket, {}, policy, NOW_MS);
    if ("needs" in outcome) throw new Error("no fact is asked for here");
    const { trace, because } = outcome.decision;
    // The trace is only full when every rule can be read from it.
    if (trace.verdicts.length !== policy.rules.length) throw new Error("the trace leaves rules out");
    return because[0]?.rule ?? "";
  };
}

function jsonRules(rules: readonly Drawn[]): (ticket: Ticket) => Promise<string> {
  const engine = new Engine();
  rules.forEach(({ category, subcategory, priorityMax, impact }, index) => {
    const all: RuleProperties["conditions"] = {
      all: [
        { fact: "category", operator: "equal", value: category },
        { fact: "subcategory", operator: "equal", value: subcategory },
        { fact: "priority", operator: "lessThanInclusive", value: priorityMax },
        { fact: "impact", operator: "equal", value: impact },
      ],
    };
    engine.addRule({ name: idOf(index), conditions: all, event: { type: idOf(index) } });
  });
  return async ({ category, subcategory, priority, impact }) => {
    const { events } = await engine.run({ category, subcategory, priority, impact });
    const first = Math.min(...events.map(({ type }) => Number(type.slice("rule-".length))));
    return Number.isFinite(first) ? `rule-${first}` : "the-rest";
  };
}

function zenRules(rules: readonly Drawn[], { ZenEngine }: Zen): (ticket: Ticket) => Promise<string> {
  const columns = ["category", "subcategory", "priority", "impact"];
  const table = {
    nodes: [
      { id: "in", type: "inputNode", name: "in", position: { x: 0, y: 0 } },
      {
        id: "table",
        type: "decisionTableNode",
        name: "table",
        position: { x: 1, y: 0 },
        content: {
          hitPolicy: "first",
          inputs: columns.map((field) => ({ id: field, name: field, type: "expression", field })),
          outputs: [{ id: "rule", name: "rule", type: "expression", field: "rule" }],
          rules: rules.map(({ category, subcategory, priorityMax, impact }, index) => ({
            _id: idOf(index),
            category: JSON.stringify(category),
            subcategory: JSON.stringify(subcategory),
            priority: `<= ${priorityMax}`,
            impact: String(impact),
            rule: JSON.stringify(idOf(index)),
          })),
        },
      },
      { id: "out", type: "outputNode", name: "out", position: { x: 2, y: 0 } },
    ],
    edges: [
      { id: "a", type: "edge", sourceId: "in", targetId: "table" },
      { id: "b", type: "edge", sourceId: "table", targetId: "out" },
    ],
  };
  const decision = new ZenEngine().createDecision(Buffer.from(JSON.stringify(table)));
  return async ({ category, subcategory, priority, impact }) => {
    const { result } = await decision.evaluate({ category, subcategory, priority, impact }, { trace: true });
    return typeof result?.rule === "string" ? result.rule : "the-rest";
  };
}

async function rate(tickets: readonly Ticket[], decideOne: (ticket: Ticket) => Promise<string>): Promise<number> {
  for (const ticket of tickets.slice(0, 50)) await decideOne(ticket);
  const start = process.hrtime.bigint();
  for (const ticket of tickets) await decideOne(ticket);
  return tickets.length / (Number(process.hrtime.bigint() - start) / 1e9);
}
