import type { Selectable } from "kysely";
import { z } from "zod";
import { Advised } from "../advice/remembered.ts";
import { Decision, Skip } from "../decision.ts";
import { GateMemory } from "../gates/gate.ts";
import { SETTABLE_FIELDS } from "../ticket.ts";
import type { TicketsTable } from "./schema.ts";
import type { TicketMemory } from "./store.ts";

const FieldMemories = z.partialRecord(
  z.enum(SETTABLE_FIELDS),
  z.strictObject({
    wrote: z.union([z.string(), z.int()]).exactOptional(),
    theirs: z.boolean(),
    writes: z.array(z.int()),
  }),
);

/** What a row of `tickets` remembers. Throws when the row is not what this version writes. */
export function memoryOf(row: Selectable<TicketsTable>): TicketMemory {
  return {
    revision: row.revision,
    decisionId: row.decision_id,
    outcomeDigest: row.outcome_digest,
    suggestedDigest: row.suggested_digest,
    fields: FieldMemories.parse(JSON.parse(row.fields)),
    gates: z.array(GateMemory).parse(JSON.parse(row.gates)),
    advised: z.array(Advised).parse(JSON.parse(row.advised)),
    clocks: Object.fromEntries(decisionOf(row).sla.map(({ clock, memory }) => [clock, memory])),
  };
}

export function decisionOf(row: Selectable<TicketsTable>): Decision {
  return Decision.parse(JSON.parse(row.decision));
}

/** Wanted values that were not written. */
export function skipsOf(row: Selectable<TicketsTable>): Skip[] {
  return z.array(Skip).parse(JSON.parse(row.skips));
}
