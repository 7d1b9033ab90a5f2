import Table from "cli-table3";
import { InvalidArgumentError } from "commander";
import { z } from "zod";
import { MODES } from "../core/config/settings.ts";
import { type AskOptions, askServer } from "./ask-server.ts";

const Answer = z.object({
  connections: z.array(
    z.object({
      connection: z.string(),
      configured: z.enum(MODES),
      lowered: z.enum(MODES).nullable(),
      effective: z.enum(MODES),
    }),
  ),
});

export interface ModeOptions extends AskOptions {
  connection?: string;
}

/** `interlock mode`: shows the mode of each connection, or changes it on all servers of the store. */
export async function mode(wanted: string | undefined, options: ModeOptions): Promise<0 | 1> {
  if (wanted !== undefined && wanted !== "configured" && !MODES.some((known) => known === wanted))
    throw new InvalidArgumentError(`${wanted} is no mode; use ${MODES.join(", ")} or configured`);
  const query = new URLSearchParams({
    ...(wanted !== undefined && { mode: wanted }),
    ...(options.connection !== undefined && { connection: options.connection }),
  });
  const { status, body } =
    wanted === undefined
      ? await askServer("GET", "/api/mode", options)
      : await askServer("POST", `/api/mode?${query}`, options);
  if (status !== 200) {
    if (options.json) console.log(JSON.stringify({ ok: false, status, answer: body }));
    else console.error(`interlock: the server answered ${status}: ${JSON.stringify(body)}`);
    return 1;
  }
  const { connections } = Answer.parse(body);
  const named = options.connection;
  const shown = connections.filter(({ connection }) => named === undefined || connection === named);
  if (options.json) console.log(JSON.stringify({ ok: true, connections: shown }));
  else console.log(modeTable(shown));
  return 0;
}

function modeTable(lines: z.infer<typeof Answer>["connections"]): string {
  const table = new Table({
    head: ["connection", "configured", "lowered to", "holds now"],
    style: { head: [], border: [] },
  });
  for (const { connection, configured, lowered, effective } of lines)
    table.push([connection, configured, lowered ?? "-", effective]);
  return table.toString();
}
