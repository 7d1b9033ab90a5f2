import axios from "axios";
import { urlOf } from "./address.ts";
import { type CommonOptions, readConfig } from "./config.ts";
import { parseTicketName } from "./explain.ts";

const CALL_TIMEOUT_MS = 10_000;

/** `interlock parked --redrive`: asks the running server, which alone may write its store. */
export async function redriveParked(name: string, options: CommonOptions & { server?: string }): Promise<0 | 1> {
  const { connection, key } = parseTicketName(name);
  const token = process.env["INTERLOCK_ADMIN_TOKEN"];
  if (!token) throw new Error("INTERLOCK_ADMIN_TOKEN is not set; it must be the server's");
  const { listen } = readConfig(options).settings;
  const base = options.server ?? urlOf(listen.host, listen.port);
  const url = `${base}/api/parked/${encodeURIComponent(connection)}/${encodeURIComponent(key)}/redrive`;
  const answer = await axios.post<unknown>(url, undefined, {
    headers: { Authorization: `Bearer ${token}` },
    timeout: CALL_TIMEOUT_MS,
    maxRedirects: 0,
    proxy: false,
    validateStatus: () => true,
  });
  const done = answer.status === 202;
  if (options.json) console.log(JSON.stringify({ ok: done, status: answer.status, answer: answer.data }));
  else
    console.log(
      done ? `${name} is due again.` : `${name}: the server answered ${answer.status}: ${JSON.stringify(answer.data)}`,
    );
  return done ? 0 : 1;
}
