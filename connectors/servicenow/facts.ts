import type { Clock } from "../../core/clock.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { CiFact, MembersFact } from "../../core/policy/facts.ts";
import type { Cmdb, ConfigurationItem } from "../../core/ports.ts";
import type { FactSource } from "../../core/reconcile/deps.ts";
import { type Ticket, ticketPeople } from "../../core/ticket.ts";
import { aftermath } from "./aftermath.ts";
import type { ServiceNowClient } from "./client.ts";
import { servicenowCmdb } from "./cmdb.ts";
import { impact } from "./impact.ts";
import { isSysId } from "./listing.ts";
import { type Memberships, memberships } from "./memberships.ts";
import { spend } from "./spend.ts";

export interface ServiceNowFacts {
  /** Also for tickets of another system that name an item of this CMDB. */
  ci: FactSource<"ci">;
  members: FactSource<"members">;
  spend: FactSource<"spend">;
  /** Of changes; also of those of another system that name an item of this CMDB. */
  impact: FactSource<"impact">;
  /** Likewise. */
  aftermath: FactSource<"aftermath">;
}

/** What an instance knows about tickets. Items and memberships are remembered for ten minutes, the past of a change for one, sums are not. */
export function servicenowFacts(deps: { connection: string; client: ServiceNowClient; clock: Clock }): ServiceNowFacts {
  const { connection, client, clock } = deps;
  const cmdb = servicenowCmdb(deps);
  const groups = memberships(connection, client, clock);
  const sums = spend(connection, client, clock);
  const impactOf = impact(deps, cmdb);
  return {
    ci: { connection, ask: (ticket) => ciOf(connection, cmdb, ticket) },
    members: { connection, ask: (ticket) => membersOf(groups, ticket) },
    spend: {
      connection,
      ask: async ({ requester }) => (requester.id === "" ? null : { month: await sums.ofMonth(requester.id) }),
    },
    impact: { connection, ask: impactOf },
    aftermath: { connection, ask: aftermath(deps, cmdb) },
  };
}

async function ciOf(connection: string, cmdb: Cmdb, { ci, ciId }: Ticket): Promise<CiFact | null> {
  const item = isSysId(ciId) ? await cmdb.ci(ciId) : await cmdb.ciNamed(ci || ciId);
  if (!item) return null;
  if (item.hidden.length > 0) throw hiddenFields(connection, item);
  const { name, className, environment, criticality, ownerName, ownerId } = item;
  return {
    name,
    className,
    environment: environment ?? "",
    criticality: criticality ?? "",
    owner: ownerName ?? ownerId ?? "",
  };
}

function hiddenFields(connection: string, { hidden }: ConfigurationItem): ConnectorError {
  const message = `${connection} does not show ${hidden.join(", ")} of a configuration item; give the integration user read on it, or see whether the field exists (interlock doctor)`;
  return new ConnectorError({ kind: "rejected", connection, message });
}

async function membersOf(groups: Memberships, ticket: Ticket): Promise<MembersFact> {
  const people = ticketPeople(ticket);
  return Object.fromEntries(await Promise.all(people.map(async (id) => [id, await groups.of(id)] as const)));
}
