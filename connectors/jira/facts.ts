import type { Clock } from "../../core/clock.ts";
import type { FactSource } from "../../core/reconcile/deps.ts";
import { ticketPeople } from "../../core/ticket.ts";
import { remembered } from "../remembered.ts";
import type { JiraApi } from "./api.ts";

export interface JiraFacts {
  members: FactSource<"members">;
}

/**
 * What a site knows about tickets: the groups of their people, by name, remembered for ten minutes. It has no CMDB that
 * is read here, and no prices of what was ordered before.
 */
export function jiraFacts({ api, clock }: { api: JiraApi; clock: Clock }): JiraFacts {
  const known = remembered<string[]>(clock);
  const groupsOf = (id: string): Promise<string[]> =>
    known.get(id, async () => [...new Set(await api.send("read_groups", (routes) => routes.groups(id)))].sort());
  return {
    members: {
      connection: api.connection,
      async ask(ticket) {
        const people = ticketPeople(ticket);
        return Object.fromEntries(await Promise.all(people.map(async (id) => [id, await groupsOf(id)] as const)));
      },
    },
  };
}
