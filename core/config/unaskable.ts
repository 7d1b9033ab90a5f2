import type { Rule } from "../policy/rule.ts";
import type { Ticket } from "../ticket.ts";
import type { Config } from "./load.ts";

/**
 * Connections that have no queue for approvals though a gate, a soft freeze or the board could ask about their tickets.
 * Only what a condition demands of connection and kind is looked at. ServiceNow has its queue always.
 */
export function unaskable({ settings, mappings, policy }: Pick<Config, "settings" | "mappings" | "policy">): string[] {
  const { gates, freezes, risk } = policy;
  return Object.entries(settings.connections).flatMap(([name, connection]) => {
    if (connection.type === "servicenow" || connection.approvals) return [];
    const kinds = new Set(Object.values(connection.records).flatMap((record) => mappings.get(record)?.kind ?? []));
    const asks =
      (risk !== undefined && kinds.has("change")) ||
      gates.rules.some((rule) => mayMatch(rule, name, kinds)) ||
      freezes.rules.some((freeze) => {
        const covered = new Set([...kinds].filter((kind) => freeze.kinds.has(kind)));
        return freeze.override !== undefined && mayMatch(freeze, name, covered);
      });
    return asks ? [name] : [];
  });
}

/** Whether a rule may match some ticket of that connection, whose kinds are these. */
function mayMatch({ condition }: Rule, connection: string, kinds: ReadonlySet<Ticket["kind"]>): boolean {
  const tests = condition?.expression.tests ?? [];
  const allows = (path: string, value: string): boolean =>
    tests.every((test) => test.path !== path || test.values.includes(value));
  return allows("ticket.connection", connection) && [...kinds].some((kind) => allows("ticket.kind", kind));
}
