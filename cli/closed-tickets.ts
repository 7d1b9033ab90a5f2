import type { LabelledText } from "../core/advice/local/corpus.ts";
import type { LabelField } from "../core/advice/step.ts";
import type { TicketState } from "../core/backtest/states.ts";
import type { Ticket } from "../core/ticket.ts";
import { openConnection } from "./backtest-connection.ts";
import type { SourceOptions } from "./backtest-source.ts";

const CLOSED: ReadonlySet<Ticket["status"]> = new Set(["resolved", "closed"]);

/**
 * The tickets of a connection that people have closed, as they left them: read like the history of a backtest, a page at
 * a time, and forgotten with it. Reads only.
 */
export async function* closedTickets(
  options: SourceOptions,
  fields: ReadonlySet<LabelField>,
): AsyncGenerator<LabelledText, void, undefined> {
  const opened = await openConnection(options);
  try {
    let last: TicketState | undefined;
    for await (const reading of opened.source.states) {
      if (!("state" in reading)) continue;
      if (last && last.id !== reading.state.id) yield* labelled(last, fields);
      last = reading.state;
    }
    if (last) yield* labelled(last, fields);
  } finally {
    await opened.close();
  }
}

function* labelled({ ticket }: TicketState, fields: ReadonlySet<LabelField>): Generator<LabelledText, void, undefined> {
  if (!CLOSED.has(ticket.status)) return;
  const { title, description, category, service, assignmentGroup: assignment_group } = ticket;
  const known = Object.entries({ category, service, assignment_group }).filter(([field]) =>
    fields.has(field as LabelField),
  ); // its keys are fields
  // As the running system hands a ticket to the model.
  yield { text: `${title}\n${description}`, labels: Object.fromEntries(known) };
}
