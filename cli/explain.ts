import { InvalidArgumentError } from "commander";
import { explain } from "../core/policy/explain.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";
import { lookAt } from "./store.ts";
import { systemClock } from "./system.ts";

/** `connection/key` → its two parts. Throws a usage message for anything else. */
export function parseTicketName(name: string): { connection: string; key: string } {
  const [, connection, key] = /^([^/]+)\/([^/]+)$/.exec(name) ?? [];
  if (connection === undefined || key === undefined)
    throw new InvalidArgumentError(`"${name}" is not a ticket; write connection/key, such as snow/INC0010001`);
  return { connection, key };
}

/** `interlock explain`. Exit code 1 when the ticket is unknown. */
export async function explainTicket(name: string, options: CommonOptions & { trace?: boolean }): Promise<0 | 1> {
  const { connection, key } = parseTicketName(name);
  const { store: url } = readStoreSettings(options);
  const view = await lookAt(url, systemClock, (store) => store.view(connection, key));
  if (!view) {
    console.error(`${name}: no signal has named that ticket yet.`);
    return 1;
  }
  console.log(options.json ? JSON.stringify(view) : explain(view, options.trace === true).join("\n"));
  return 0;
}
