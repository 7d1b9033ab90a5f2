import Table from "cli-table3";
import { InvalidArgumentError } from "commander";
import { z } from "zod";
import { type AskOptions, askServer, type ServerAnswer } from "./ask-server.ts";

/** A sweep reads pages of every record type of every system, each within its time for a call. */
const SWEEP_TIMEOUT_MS = 600_000;

const Line = z.object({
  connection: z.string(),
  recordType: z.string(),
  changed: z.int(),
  seenByWebhook: z.int(),
  foundOnlyBySweep: z.int(),
  nearOwnWrites: z.int(),
  known: z.int(),
  missing: z.int(),
  missingTickets: z.array(z.string()),
  worstLagMs: z.int().nullable(),
});
const Report = z.object({ since: z.string(), until: z.string(), missing: z.int(), types: z.array(Line) });

const Round = z.object({
  runs: z.array(
    z.object({
      connection: z.string(),
      recordType: z.string(),
      pages: z.int(),
      changed: z.int(),
      signalled: z.int(),
      complete: z.boolean(),
    }),
  ),
  faults: z.array(z.object({ connection: z.string(), recordType: z.string(), kind: z.string(), message: z.string() })),
});

export interface SweepOptions extends AskOptions {
  report?: boolean;
  since?: string;
}

/** `interlock sweep`: sweeps now, or reports. Exit code 1 for a fault, or for a change that is missing. */
export async function sweep(options: SweepOptions): Promise<0 | 1> {
  return options.report ? report(options) : sweepNow(options);
}

async function sweepNow(options: SweepOptions): Promise<0 | 1> {
  if (options.since !== undefined) throw new InvalidArgumentError("--since is for --report");
  const answer = await askServer("POST", "/api/sweep", options, SWEEP_TIMEOUT_MS);
  if (answer.status !== 200) return refused(answer, options);
  const { runs, faults } = Round.parse(answer.body);
  if (options.json) {
    console.log(JSON.stringify({ ok: faults.length === 0, runs, faults }));
    return faults.length === 0 ? 0 : 1;
  }
  for (const { connection, recordType, changed, signalled, complete } of runs) {
    const rest = complete ? "" : " The rest is left to the next sweep.";
    console.log(`${connection}/${recordType}: ${changed} new changes seen, ${signalled} of them signalled.${rest}`);
  }
  for (const { connection, recordType, kind, message } of faults)
    console.log(`${connection}/${recordType}: not swept (${kind}): ${message}`);
  return faults.length === 0 ? 0 : 1;
}

async function report(options: SweepOptions): Promise<0 | 1> {
  const query = options.since === undefined ? "" : `?since=${encodeURIComponent(options.since)}`;
  const answer = await askServer("GET", `/api/completeness${query}`, options);
  if (answer.status !== 200) return refused(answer, options);
  const found = Report.parse(answer.body);
  if (options.json) console.log(JSON.stringify(found));
  else console.log(reportText(found));
  return found.missing === 0 ? 0 : 1;
}

function reportText({ since, until, missing, types }: z.infer<typeof Report>): string {
  const table = new Table({
    head: ["records", "changed", "by webhook", "only by sweep", "(our own writes)", "known", "missing", "worst lag"],
    style: { head: [], border: [] },
  });
  for (const line of types)
    table.push([
      `${line.connection}/${line.recordType}`,
      ...[line.changed, line.seenByWebhook, line.foundOnlyBySweep, line.nearOwnWrites, line.known, line.missing],
      line.worstLagMs === null ? "-" : `${(line.worstLagMs / 1_000).toFixed(1)} s`,
    ]);
  const named = types.flatMap(({ missingTickets }) => missingTickets.map((ticket) => `missing: ${ticket}`));
  return [`${since} to ${until}`, table.toString(), ...named, `${missing} missing.`].join("\n");
}

function refused({ status, body }: ServerAnswer, options: SweepOptions): 1 {
  if (options.json) console.log(JSON.stringify({ ok: false, status, answer: body }));
  else console.error(`interlock: the server answered ${status}: ${JSON.stringify(body)}`);
  return 1;
}
