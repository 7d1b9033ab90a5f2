import { instant } from "../clock.ts";
import { ConnectorError, describeError, FAULT_RETRY } from "../errors.ts";
import { implementationOf } from "../policy/aftermath.ts";
import { type FactName, type Facts, factAboutNothing } from "../policy/facts.ts";
import { withheldDigest } from "../policy/inputs.ts";
import type { Policy } from "../policy/policy.ts";
import { type Ticket, ticketId } from "../ticket.ts";
import { type Fetched, fetchAdvice, fetchAssessment } from "./advise.ts";
import type { AnswerOf, Desk, FactSource, ReconcileDeps } from "./deps.ts";

/**
 * Fetches the cheapest of the facts that the rules need; what is still needed then is asked for again. Null where nobody
 * can answer, or the answer could not be had: a guard then holds, and the ticket is looked at again like any other.
 * Throws the ConnectorError of a system that is down or limits us: it will answer later, and what is decided without its
 * answer would be decided wrongly.
 */
export async function fetchFacts(
  deps: FetchingDeps,
  desk: Desk,
  ticket: Ticket,
  {
    needs,
    facts,
    policy,
    last,
  }: { needs: readonly FactName[]; facts: Facts; policy: Policy; last?: string | undefined },
): Promise<Fetched> {
  const [name] = needs;
  if (name === undefined) return { facts: {}, entries: [] };
  if (name === "advice") return fetchAdvice(deps, ticket, facts, policy);
  if (name === "aftermath") return { facts: await fetchAftermath(deps, desk, ticket), entries: [] };
  const frozen =
    name === "impact" || name === "assessment" ? await frozenFact(deps, name, ticket, { facts, last }) : null;
  if (frozen) return { facts: frozen, entries: [] };
  if (name === "assessment") return fetchAssessment(deps, ticket, facts, policy);
  return { facts: await fetchFact(deps, desk, ticket, name), entries: [] };
}

type FetchingDeps = Pick<ReconcileDeps, "log" | "meter" | "mayRead" | "adviser" | "clock"> & {
  store: Pick<ReconcileDeps["store"], "decided" | "failedChecks">;
};

/** What the last decision on the same version of a change was made from: whoever asks again gets the same answer. */
async function frozenFact(
  { store }: Pick<FetchingDeps, "store">,
  name: "impact" | "assessment",
  ticket: Ticket,
  { facts, last }: { facts: Facts; last: string | undefined },
): Promise<Facts | undefined> {
  const kept = last === undefined || last === "" ? undefined : (await store.decided(last))?.inputs;
  if (!kept?.facts[name] || versionOf(kept.ticket) !== versionOf(ticket)) return undefined;
  // A model reads the texts too. It is asked last, so that all else that is withheld is known as it was then.
  if (name === "assessment" && kept.withheldDigest !== withheldDigest(ticket, facts)) return undefined;
  return { [name]: kept.facts[name] };
}

/** All of a change that its impact is read by, and that a model reads beside its texts. An edit of anything else, such as a note, leaves it the same version. */
function versionOf({ ref, ci, ciId, service, assignmentGroup, change }: Ticket): string {
  const { type, plannedStart, plannedEnd } = change;
  return JSON.stringify([ref.id, ci, ciId, service, assignmentGroup, type, plannedStart, plannedEnd]);
}

/** What happened since a change was implemented: incidents as their system has them, and checks that reported here. */
async function fetchAftermath(deps: FetchingDeps, { facts }: Desk, ticket: Ticket): Promise<Facts> {
  const done = implementationOf(ticket, deps.clock.now());
  if (!done) return { aftermath: null };
  const failedChecks = await deps.store.failedChecks(ticketId(ticket.ref), done.beganMs);
  const incidents = facts?.aftermath ? await patientAnswer(deps, "aftermath", facts.aftermath, ticket) : null;
  return { aftermath: { since: instant(done.sinceMs), incidents, failedChecks } };
}

async function fetchFact(
  deps: FetchingDeps,
  { facts }: Desk,
  ticket: Ticket,
  name: Exclude<FactName, "advice" | "assessment" | "aftermath">,
): Promise<Facts> {
  const known = factAboutNothing(name, ticket);
  if (known) return known;
  const source = facts?.[name];
  return { [name]: source ? await patientAnswer(deps, name, source, ticket) : null };
}

/** Null where it cannot be had; throws where it will come later. */
async function patientAnswer<N extends FactName>(
  deps: Pick<FetchingDeps, "mayRead" | "log" | "meter">,
  name: FactName,
  source: FactSource<N>,
  ticket: Ticket,
): Promise<AnswerOf<N> | null> {
  try {
    return await answerOf(deps, source, ticket);
  } catch (error) {
    deps.meter.count("interlock_facts_failed_total", { fact: name });
    if (error instanceof ConnectorError && FAULT_RETRY[error.kind] === "outage") throw error;
    const text = error instanceof ConnectorError ? describeError(error) : kindOf(error);
    deps.log.warn("a fact could not be fetched", { ticket: ticket.ref.key, fact: name, error: text });
    return null;
  }
}

async function answerOf<N extends FactName>(
  { mayRead }: Pick<ReconcileDeps, "mayRead">,
  { connection, ask }: FactSource<N>,
  ticket: Ticket,
): Promise<AnswerOf<N> | null> {
  if (mayRead(connection)) {
    const answer = await ask(ticket);
    // It may have come to light during the call, whose answer is the other instance's then.
    if (mayRead(connection)) return answer;
  }
  const message = `another instance answers under the address of ${connection}, which a fact was to come from; put the right one back, or: interlock identity confirm ${connection}`;
  throw new ConnectorError({ kind: "unavailable", connection, message });
}

/** What kind of fault it is, without its message: only our own errors are certain to hold no text of a ticket. */
function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
