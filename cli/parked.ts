import axios from "axios";
import Table from "cli-table3";
import { instant } from "../core/clock.ts";
import { type CommonOptions, readConfig } from "./config.ts";
import { parseTicketName } from "./explain.ts";
import { viewStoreUrl } from "./store.ts";
import { systemClock } from "./system.ts";

const CALL_TIMEOUT_MS = 10_000;

/** `interlock parked`: what waits for a person, and why. */
export async function listParked(options: CommonOptions): Promise<0> {
  const { settings } = readConfig(options);
  const store = viewStoreUrl(settings.store, systemClock);
  try {
    const parked = await store.parked(settings.limits.listMax);
    if (options.json) {
      console.log(JSON.stringify(parked));
      return 0;
    }
    if (parked.length === 0) {
      console.log("Nothing is parked.");
      return 0;
    }
    const table = new Table({
      head: ["ticket", "since", "reason", "what to do"],
      colWidths: [28, 26, 14, 70],
      wordWrap: true,
      style: { head: [] },
    });
    for (const { connection, key, parkedAtMs, reason, detail } of parked)
      table.push([`${connection}/${key}`, instant(parkedAtMs), reason, detail]);
    console.log(table.toString());
    return 0;
  } finally {
    await store.close();
  }
}

/** `interlock parked --redrive`: asks the running server, which alone may write its store. */
export async function redriveParked(name: string, options: CommonOptions & { server?: string }): Promise<0 | 1> {
  const { connection, key } = parseTicketName(name);
  const token = process.env["INTERLOCK_ADMIN_TOKEN"];
  if (!token) throw new Error("INTERLOCK_ADMIN_TOKEN is not set; it must be the server's");
  const { listen } = readConfig(options).settings;
  const base = options.server ?? `http://${listen.host === "0.0.0.0" ? "127.0.0.1" : listen.host}:${listen.port}`;
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
