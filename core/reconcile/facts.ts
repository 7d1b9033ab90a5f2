import { ConnectorError, describeError } from "../errors.ts";
import type { FactName, Facts } from "../policy/facts.ts";
import type { Ticket } from "../ticket.ts";
import type { Desk, ReconcileDeps } from "./deps.ts";

/**
 * Fetches the cheapest of the facts that the rules need; what is still needed then is asked for again. Null where nobody
 * can answer, or the answer could not be had: a guard then holds, and the ticket is looked at again like any other.
 */
export async function fetchFacts(
  { log, meter }: Pick<ReconcileDeps, "log" | "meter">,
  { facts }: Desk,
  ticket: Ticket,
  needs: readonly FactName[],
): Promise<Facts> {
  const [name] = needs;
  if (name === undefined) return {};
  const source = facts?.[name];
  if (!source) return { [name]: null };
  try {
    return { [name]: await source(ticket) };
  } catch (error) {
    meter.count("interlock_facts_failed_total", { fact: name });
    const text = error instanceof ConnectorError ? describeError(error) : kindOf(error);
    log.warn("a fact could not be fetched", { ticket: ticket.ref.key, fact: name, error: text });
    return { [name]: null };
  }
}

/** What kind of fault it is, without its message: only our own errors are certain to hold no text of a ticket. */
function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
