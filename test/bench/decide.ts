import { Engine, type RuleProperties } from "json-rules-engine";
import { decide } from "../../core/policy/decide.ts";
import type { Ticket } from "../../core/ticket.ts";
import { policyOf } from "../core/support/policies.ts";
import { uciTickets } from "./uci-tickets.ts";

const RULES = 500;
const TICKETS = 10_000;
/** Rounds that count, and those before them in which every engine warms up. */
const ROUNDS = 9;
const WARM_UP_ROUNDS = 3;
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

type DecideOne = (ticket: Ticket) => Promise<string>;

/** One way to run an engine. The slower ones decide on fewer tickets in a round, so that all take about as long. */
interface Contestant {
  decideOne: DecideOne;
  perRound: number;
  /** Decisions that are under way at once. */
  inFlight: number;
  rounds: Round[];
}

/** What one decision took in a round, in microseconds. */
interface Round {
  wallUs: number;
  /** Processor time of all threads of this process, those that compile and collect garbage too. */
  cpuUs: number;
}

/**
 * Decisions with 500 rules of four conditions and a full trace, beside two rule engines with the same rules and tickets.
 * All three must agree on which rule decides.
 *
 * The engines take turns in rounds, and a figure is the median of its rounds. A ratio is the median of the ratios within
 * a round, of processor time: what else runs on the machine takes time on the wall from whoever needs it longest, and
 * zen, which decides on threads of its own, waits for one to wake where the machine is idle. Both ways of the clock are
 * told: zen one decision after another, as the loop of this product decides, and many in flight, where it uses all cores
 * against our one. `times_zen` is beside the one that takes zen less.
 */
export async function benchDecide(): Promise<Record<string, unknown>> {
  const tickets = uciTickets(TICKETS);
  if (!tickets) return { bench: "decide", skipped: "../shared/data/uci-incident-events-dev.csv.gz is not there" };
  const rules = drawRules(tickets);
  const decideOne = interlock(rules);
  const ours: DecideOne = async (ticket) => decideOne(ticket);
  const theirs = jsonRules(rules);
  const zen = zenRules(rules, await loadZen());
  for (const ticket of spread(tickets, 200, 0)) {
    const answers = [await ours(ticket), await theirs(ticket), await zen(ticket)];
    if (new Set(answers).size !== 1) throw new Error(`${ticket.ref.key}: the engines disagree: ${answers.join(", ")}`);
  }
  const us: Contestant = { decideOne: ours, perRound: tickets.length, inFlight: 1, rounds: [] };
  const json: Contestant = { decideOne: theirs, perRound: 30, inFlight: 1, rounds: [] };
  const zenInTurn: Contestant = { decideOne: zen, perRound: 600, inFlight: 1, rounds: [] };
  const zenInFlight: Contestant = { decideOne: zen, perRound: 1_000, inFlight: 16, rounds: [] };
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    for (const contestant of [us, json, zenInTurn, zenInFlight]) {
      const measured = await measure(contestant, spread(tickets, contestant.perRound, round));
      if (round >= WARM_UP_ROUNDS) contestant.rounds.push(measured);
    }
  }
  return {
    bench: "decide",
    rules: RULES,
    tickets: tickets.length,
    rounds: ROUNDS,
    interlock_per_s: figures(us).per_s,
    json_rules_engine_per_s: figures(json).per_s,
    zen_per_s: figures(zenInTurn).per_s,
    interlock: figures(us),
    json_rules_engine: figures(json),
    zen: figures(zenInTurn),
    zen_in_flight: figures(zenInFlight),
    times_json_rules_engine: times(us, json, "cpuUs"),
    times_zen: Math.min(times(us, zenInTurn, "cpuUs"), times(us, zenInFlight, "cpuUs")),
    times_zen_by_the_clock: times(us, zenInTurn, "wallUs"),
    times_zen_in_flight_by_the_clock: times(us, zenInFlight, "wallUs"),
  };
}

/** So many tickets from all over the log, others in each round. */
function spread(tickets: readonly Ticket[], count: number, round: number): Ticket[] {
  const step = Math.floor(tickets.length / count);
  return tickets.filter((_, at) => at % step === round % step).slice(0, count);
}

async function measure({ decideOne, inFlight }: Contestant, tickets: readonly Ticket[]): Promise<Round> {
  const cpuBefore = process.cpuUsage();
  const before = process.hrtime.bigint();
  if (inFlight === 1) for (const ticket of tickets) await decideOne(ticket);
  else {
    for (let at = 0; at < tickets.length; at += inFlight)
      await Promise.all(tickets.slice(at, at + inFlight).map(decideOne));
  }
  const wallUs = Number(process.hrtime.bigint() - before) / 1e3;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallUs: wallUs / tickets.length, cpuUs: (user + system) / tickets.length };
}

function figures({ rounds }: Contestant): { per_s: number; cpu_us: number } {
  const cpuUs = median(rounds.map((round) => round.cpuUs));
  return { per_s: Math.round(1e6 / median(rounds.map(({ wallUs }) => wallUs))), cpu_us: Number(cpuUs.toFixed(1)) };
}

/** How many times as long they take. */
function times(us: Contestant, them: Contestant, by: keyof Round): number {
  const ratios = us.rounds.map((round, at) => (them.rounds[at]?.[by] ?? Number.NaN) / round[by]);
  return Number(median(ratios).toFixed(1));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
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
    const rule = because[0]?.rule ?? "";
    // The trace is only full when every rule can be read from it, the one that decided as well.
    if (trace.verdicts.length !== policy.rules.length) throw new Error("the trace leaves rules out");
    if (policy.rules[trace.verdicts.indexOf("m")]?.name !== `routing/${rule}`) throw new Error("the trace is wrong");
    return rule;
  };
}

function jsonRules(rules: readonly Drawn[]): DecideOne {
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

function zenRules(rules: readonly Drawn[], { ZenEngine }: Zen): DecideOne {
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
