import { type AskOptions, askServer } from "./ask-server.ts";
import { parseTicketName } from "./explain.ts";

/**
 * `interlock parked --redrive`: makes a ticket due again, or dismisses the note of a delivery that points at no record.
 * Asks the running server, which alone may write its store.
 */
export async function redriveParked(name: string, options: AskOptions): Promise<0 | 1> {
  const { connection, key } = parseTicketName(name);
  const path = `/api/parked/${encodeURIComponent(connection)}/${encodeURIComponent(key)}/redrive`;
  const { status, body } = await askServer("POST", path, options);
  const done = status === 202;
  const said = done && isDismissed(body) ? `${name} is dismissed: it was no ticket.` : `${name} is due again.`;
  if (options.json) console.log(JSON.stringify({ ok: done, status, answer: body }));
  else console.log(done ? said : `${name}: the server answered ${status}: ${JSON.stringify(body)}`);
  return done ? 0 : 1;
}

function isDismissed(body: unknown): boolean {
  return body !== null && typeof body === "object" && "outcome" in body && body.outcome === "dismissed";
}
