import type { Decision } from "../decision.ts";
import { NOBODY, Ticket } from "../ticket.ts";
import { decide } from "./decide.ts";
import { FACT_ROUNDS_MAX, type FactName, type Facts, factAboutNothing, factsUnanswered } from "./facts.ts";
import type { Policy } from "./policy.ts";
import type { Trial } from "./test-file.ts";

/** A Thursday, so that calendars are open. */
const NOON_MS = Date.UTC(2026, 0, 15, 12);

/** What is decided for a ticket that somebody wrote down. */
export interface Tried {
  decision: Decision;
  ticket: Ticket;
  facts: Facts;
  /** Facts that were asked for and that are not given. */
  missing: FactName[];
  nowMs: number;
}

/** Decides for a ticket that was written down. Facts that the rules ask for and that are not given have no answer. */
export function decideTrial(trial: Trial, policy: Policy): Tried {
  const nowMs = Date.parse(trial.now ?? trial.ticket.updatedAt ?? trial.ticket.createdAt ?? "") || NOON_MS;
  const ticket = ticketOf(trial, nowMs);
  let facts: Facts = trial.facts ?? {};
  const missing: FactName[] = [];
  for (let round = 0; round < FACT_ROUNDS_MAX; round += 1) {
    const outcome = decide(ticket, facts, policy, nowMs);
    if ("decision" in outcome) return { decision: outcome.decision, ticket, facts, missing, nowMs };
    missing.push(...outcome.needs.filter((name) => !factAboutNothing(name, ticket)));
    facts = { ...facts, ...factsUnanswered(outcome.needs, ticket) };
  }
  throw new Error(`the rules ask for facts again that they were told of: ${missing.join(", ")}`);
}

/** The ticket as it is written: what it does not say is empty. */
function ticketOf({ ticket }: Trial, nowMs: number): Ticket {
  const { connection = "snow", key = "TEST-1", assignee, requester, change, request, ...rest } = ticket;
  const at = rest.createdAt ?? rest.updatedAt ?? new Date(nowMs).toISOString();
  const blank = { kind: "incident", title: "", description: "", status: "new", priority: 5, impact: 3, urgency: 3 };
  const names = { category: "", subcategory: "", assignmentGroup: "", ci: "", ciId: "", service: "" };
  return Ticket.parse({
    ...blank,
    ...names,
    labels: [],
    custom: {},
    createdAt: at,
    updatedAt: at,
    revision: "1",
    ...rest,
    ref: { connection, type: "test", id: key, key },
    assignee: { ...NOBODY, ...assignee },
    requester: { ...NOBODY, ...requester },
    change: { type: "", risk: "", backoutPlan: "", ...change },
    request: { item: "", quantity: 0, price: 0, ...request },
  });
}
