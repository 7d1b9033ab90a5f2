import { type AskOptions, askServer } from "./ask-server.ts";
import { parseTicketName } from "./explain.ts";

/** `interlock parked --redrive`: asks the running server, which alone may write its store. */
export async function redriveParked(name: string, options: AskOptions): Promise<0 | 1> {
  const { connection, key } = parseTicketName(name);
  const path = `/api/parked/${encodeURIComponent(connection)}/${encodeURIComponent(key)}/redrive`;
  const { status, body } = await askServer("POST", path, options);
  const done = status === 202;
  if (options.json) console.log(JSON.stringify({ ok: done, status, answer: body }));
  else console.log(done ? `${name} is due again.` : `${name}: the server answered ${status}: ${JSON.stringify(body)}`);
  return done ? 0 : 1;
}
