import { z } from "zod";
import { type AskOptions, askServer } from "./ask-server.ts";

/** The server asks the instance before it answers. */
const CONFIRM_TIMEOUT_MS = 120_000;

const Confirmed = z.object({ pinned: z.string() });

/** `interlock identity confirm`: the instance that answers now is the right one. Exit code 1 where it was not pinned. */
export async function confirmIdentity(connection: string, options: AskOptions): Promise<0 | 1> {
  const path = `/api/connections/${encodeURIComponent(connection)}/identity/confirm`;
  const { status, body } = await askServer("POST", path, options, CONFIRM_TIMEOUT_MS);
  const done = status === 200;
  if (options.json) console.log(JSON.stringify({ ok: done, status, answer: body }));
  else if (done) console.log(`${connection} belongs to ${Confirmed.parse(body).pinned} from now on, and may write.`);
  else console.log(`${connection}: the server answered ${status}: ${JSON.stringify(body)}`);
  return done ? 0 : 1;
}
