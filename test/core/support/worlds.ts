import fc from "fast-check";
import { CLASSIFY_FIELDS } from "../../../core/advice/step.ts";
import type { AftermathFact } from "../../../core/policy/aftermath.ts";
import type { ClocksFact, FACT_NAMES, Facts } from "../../../core/policy/facts.ts";
import type { ImpactFact } from "../../../core/policy/impact.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { TICKET_KINDS, type Ticket } from "../../../core/ticket.ts";
import { policyOf } from "./policies.ts";
import { anyTicket } from "./tickets.ts";

/** Conditions over everything a rule can read: some are plain, some fail on some tickets, some ask for facts. */
export const CONDITIONS = [
  "true",
  "false",
  'ticket.kind == "incident"',
  'ticket.kind in ["change", "request"] && ticket.priority == 2',
  'ticket.priority == 1 || ticket.title.contains("a")',
  'ticket.category == "network" && ticket.labels[0] == "a"',
  'ticket.title == "network"',
  'ticket.title == "" && ticket.description != ""',
  'ticket["title"] == "a"',
  "int(ticket.title) == 1",
  "ticket.change.plannedStart > now",
  'ticket.kind == "change" && ticket.change.plannedEnd < now',
  "ticket.priority / (ticket.impact - 2) == 1",
  'ci.environment == "production"',
  'ticket.kind == "change" && ci.criticality == "1"',
  '!(ci.environment == "test")',
  'ci.owner == "x" || ci.owner.startsWith("Kan")',
  "spend.month > 500",
  "spend.month > 500 && advice.security_related",
  'inGroup(ticket.requester, "VIP")',
  'ticket.requester.email == "" || inGroup(ticket.assignee, "Network")',
  "advice.security_related",
  "!advice.security_related",
  'advice.category == "network"',
  'advice.category == "network" && ticket.title.contains("a")',
  'advice.urgency_signals.exists(signal, signal == "down")',
  'ticket.category == "security" || advice.security_related',
  "advice.security_related ? false : ticket.priority == 1",
  'ticket.change.plannedStart > now && advice.intent == "x"',
  'ticket.custom.flag && ticket.custom.text == "a"',
  'ticket.custom.number == 2 || advice.service == "mail"',
] as const;

const CUSTOM = { text: "string", number: "int", flag: "bool" } as const;

const ZONED = { zone: "Europe/Berlin", start: "2026-01-01T00:00" };

/** What a factor may ask besides: of the item's impact, and of what is known of it. */
const OF_IMPACT = ["impact.dependents > 100", 'ticket.ci != "" && impact.collisions > 0', "impact.quality < 50"];

/** The conditions a policy is made of, for its routing, gates, freezes, autonomy, and factors and evidence of changes. */
export interface Plan {
  routing: readonly string[];
  gates: readonly string[];
  freezes: readonly string[];
  autonomy: readonly string[];
  factors: readonly string[];
  evidence: readonly string[];
}

function gateOf(when: string, at: number): unknown {
  const gate = {
    approvers: { group: `Approvers ${at}` },
    before: at % 2 === 0 ? ["assign"] : ["resolve", "set"],
    binds: ["title", "priority", "assignmentGroup"],
    expires: "72h",
  };
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { id: `gate-${at}`, why: "It says so", when, then: { gate } };
}

function freezeOf(when: string, at: number): unknown {
  const soft = { severity: "soft", override: { approvers: { group: "CAB" }, expires: "24h" } };
  return {
    ...{ id: `freeze-${at}`, why: "Nothing changes now" },
    window: at % 2 === 0 ? { ...ZONED, for: "20d", rrule: "FREQ=MONTHLY" } : { ...ZONED, end: "2050-01-01T00:00" },
    scope: { kinds: ["change", "request"], when, ...(at % 3 === 0 && { environments: ["production"] }) },
    ...(at % 2 === 0 ? { severity: "hard" } : soft),
  };
}

function riskOf(factors: readonly string[], evidence: readonly string[]): unknown {
  const require = ["title", "change.backoutPlan", "change.plannedStart"];
  return {
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    factors: factors.map((when, at) => ({ id: `f-${at}`, why: "It says so", when, then: { points: 10 * (at + 1) } })),
    evidence: evidence.map((when, at) => ({
      ...{ id: `e-${at}`, why: "It says so", when },
      // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
      then: { require: require.slice(at % 3), otherwise: at % 2 === 0 ? "hold" : { points: 20 } },
    })),
    tiers: { moderate: 10, high: 40, very_high: 90 },
    cab: { from: "moderate", approvers: { group: "Board" }, leadTime: "5d" },
  };
}

/** Service levels whose clocks escalate and raise, beside all else. */
export const SLA = {
  calendars: { office: { zone: "Europe/Berlin", hours: { "mon-fri": "08:00-18:00" } } },
  rules: [
    {
      ...{ id: "of-the-network", why: "It says so", when: 'ticket.category == "network"' },
      // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
      then: { clocks: { resolution: { within: "1h", stops: ["resolved"], steps: [] } } },
    },
    {
      ...{ id: "all", why: "It says so", when: "true" },
      // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
      then: {
        clocks: {
          response: {
            ...{ within: "4h", calendar: "office", stops: ["in_progress", "closed"], pauses: ["on_hold"] },
            steps: [{ id: "half", at: "50%", do: { raise: "priority", note: "Half of the time is over." } }],
          },
        },
      },
    },
  ],
};

/** The same value with the keys of every record in the opposite order. */
export function reordered<T>(value: T): T {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(reordered) as T; // an array of the same shape
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, inner]) => [key, reordered(inner)])) as T; // the same keys
}

/** A policy of these conditions; `written` changes how its files, and what is in them, are written down. */
export function policyBy(
  { routing, gates, freezes, autonomy, factors, evidence }: Plan,
  written: <T>(files: T) => T = (files) => files,
): Policy {
  const MODE = ["observe", "suggest", "act"] as const;
  const free = autonomy.map((when, at) => ({
    ...{ id: `mode-${at}`, why: "It says so", when },
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    then: { mode: MODE[at % 3], ...(at % 2 === 0 && { targetError: "2%" }) },
  }));
  return policyOf(
    routing.map((when, at) => ({ when, does: at % 4 === 3 ? { leave: true } : { assign: { group: `G${at}` } } })),
    { assign: { group: "Service Desk" } },
    CUSTOM,
    written({
      gates: gates.map(gateOf),
      freezes: freezes.map(freezeOf),
      sla: SLA,
      "change-risk": riskOf(factors, evidence),
      // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
      autonomy: { rules: free, default: { id: "rest", why: "It says so", then: { mode: "act", targetError: "5%" } } },
    }),
  );
}

const condition = fc.constantFrom(...CONDITIONS);

export const anyPlan: fc.Arbitrary<Plan> = fc.record({
  routing: fc.array(condition, { maxLength: 5 }),
  gates: fc.array(condition, { minLength: 1, maxLength: 4 }),
  freezes: fc.array(condition, { maxLength: 2 }),
  autonomy: fc.array(condition, { maxLength: 2 }),
  factors: fc.array(fc.oneof(condition, fc.constantFrom(...OF_IMPACT)), { minLength: 1, maxLength: 5 }),
  evidence: fc.array(condition, { maxLength: 3 }),
});

/** Policies made before the cases are run: compiling is far slower than deciding. Their plans are always the same. */
export const POLICIES: readonly { plan: Plan; policy: Policy }[] = fc
  .sample(anyPlan, { numRuns: 40, seed: 42 })
  .map((plan) => ({ plan, policy: policyBy(plan) }));

export const anyPolicy = fc.constantFrom(...POLICIES);

/** The night in March when the clocks of Europe change lies within; what is longer makes clocks dear and no case more. */
export const anyHour = fc.integer({ min: Date.parse("2026-03-01"), max: Date.parse("2026-04-10") });

const word = fc.constantFrom("", "network", "production", "test", "1", "mail", "x");

/** Every field answered and certified, some of them, none, and what nobody has measured. */
const EVIDENCE: NonNullable<Facts["advice"]>["evidence"][] = [
  Object.fromEntries(CLASSIFY_FIELDS.map((field) => [field, { by: "local:abc", boundBp: 0 }])),
  Object.fromEntries(CLASSIFY_FIELDS.map((field) => [field, { by: "local:abc", boundBp: 499 }])),
  Object.fromEntries(CLASSIFY_FIELDS.map((field) => [field, { by: "claude:m", boundBp: null }])),
  { category: { by: "local:abc", boundBp: 120 } },
  {},
];

export const anyAdvice: fc.Arbitrary<NonNullable<Facts["advice"]>> = fc.record({
  category: word,
  service: word,
  assignment_group: word,
  intent: word,
  security_related: fc.boolean(),
  urgency_signals: fc.array(fc.constantFrom("down", "soon"), { maxLength: 2 }),
  evidence: fc.constantFrom(...EVIDENCE),
  audited: fc.boolean(),
});

/** Drawn once: their strange texts are far dearer to make than to decide on. What rules ask about is drawn for each case. */
const STRANGE = fc.sample(anyTicket, { numRuns: 1_000, seed: 7 });

/** Tickets whose values meet the conditions often enough, and their facts: known, or not to be had. */
export const anyWorldTicket: fc.Arbitrary<Ticket> = fc
  .record({
    ticket: fc.constantFrom(...STRANGE),
    kind: fc.constantFrom(...TICKET_KINDS),
    levels: fc.record({ priority: fc.integer({ min: 1, max: 5 }), impact: fc.integer({ min: 1, max: 3 }) }),
    title: fc.constantFrom("", "a", "1", "network", "Kanari"),
    category: word,
    requester: fc.constantFrom("", "u1", "u2"),
    createdAt: fc.constantFrom("2026-02-20T08:00:00.000Z", "2026-03-28T22:30:00.000Z"),
    custom: fc.record({ text: word, number: fc.constantFrom(1, 2), flag: fc.boolean() }, { requiredKeys: [] }),
  })
  .map(({ ticket, title, category, requester, custom, createdAt, kind, levels }) => ({
    ...{ ...ticket, ...levels, kind },
    ...{ title, category, custom, createdAt, requester: { ...ticket.requester, id: requester } },
  }));

function ofGroup(people: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(people.map((id) => [id, ["VIP"]]));
}

/** Any impact its schema allows, small enough to meet conditions often. */
export const anyImpact: fc.Arbitrary<ImpactFact> = fc.record({
  ...{ dependents: fc.nat(200), criticalDependents: fc.nat(2), missing: fc.nat(2), services: fc.nat(5) },
  ...{ changes: fc.nat(9), failedChanges: fc.nat(2), incidents: fc.nat(5), neighbourIncidents: fc.nat(8) },
  ...{ groupChanges: fc.nat(30), groupFailed: fc.nat(4), modelChanges: fc.nat(30), modelFailed: fc.nat(2) },
  ...{ daysSinceChange: fc.integer({ min: -1, max: 90 }), collisions: fc.nat(2) },
  ...{ platformConflicts: fc.integer({ min: -1, max: 2 }), quality: fc.nat(100), dependentsCut: fc.boolean() },
  ...{ stale: fc.boolean(), orphaned: fc.boolean(), duplicate: fc.boolean(), ownerless: fc.boolean() },
  ...{ relationless: fc.boolean(), noHistory: fc.boolean() },
});

export const anyAftermath: fc.Arbitrary<AftermathFact> = fc.record({
  since: fc.constant("2026-03-10T20:00:00.000Z"),
  incidents: fc.option(fc.array(fc.nat(3), { minLength: 5, maxLength: 5 })),
  failedChecks: fc.subarray(["load", "smoke-test"]),
});

export const anyOtherFacts: fc.Arbitrary<Record<Exclude<(typeof FACT_NAMES)[number], "advice">, Facts[keyof Facts]>> =
  fc.record({
    ci: fc.option(fc.record({ name: word, className: word, environment: word, criticality: word, owner: word })),
    members: fc.option(fc.subarray(["u1", "u2"]).map(ofGroup)),
    spend: fc.option(fc.record({ month: fc.constantFrom(0, 501) })),
    impact: fc.option(anyImpact),
    aftermath: fc.option(anyAftermath),
    assessment: fc.option(fc.record({ factors: fc.subarray(["no_backout", "peak_hours"]), by: fc.constant("main:m") })),
  });

/** An item that so many others depend on, and about which all is known. */
export function impactOf(dependents: number): ImpactFact {
  return {
    ...{ dependents, dependentsCut: false, criticalDependents: 0, missing: 0, services: 1 },
    ...{ changes: 4, failedChanges: 0, incidents: 1, neighbourIncidents: 0, daysSinceChange: 10 },
    ...{ groupChanges: 20, groupFailed: 1, modelChanges: 10, modelFailed: 0, collisions: 0, platformConflicts: 0 },
    ...{ stale: false, orphaned: false, duplicate: false, ownerless: false, relationless: false, noHistory: false },
    quality: 90,
  };
}

/** The facts of a world, with advice or without. */
export function factsOf(others: object, advice: Facts["advice"]): Facts {
  return { ...others, advice }; // every fact by its own name
}

/** A world with advice or without, and what is remembered of its clocks. */
export const anyFacts: fc.Arbitrary<Facts> = fc
  .record({ others: anyOtherFacts, advice: fc.option(anyAdvice), remembers: fc.boolean() })
  .map(({ others, advice, remembers }) => ({
    ...factsOf(others, advice),
    ...(remembers && { clocks: MEMORY }),
  }));

const LOOKED = { atMs: Date.parse("2026-03-02T09:00:00Z"), running: true, taken: [], passed: [] };
const MEMORY: ClocksFact = {
  "all/response": { ...LOOKED, elapsedMs: 3_600_000, from: { priority: 4, impact: 2, urgency: 2 } },
  "of-the-network/resolution": { ...LOOKED, elapsedMs: 60_000, from: { priority: 4, impact: 2, urgency: 2 } },
};
