/** Holds the finished demo against what must be true: settled, told once, people's edits kept, ledger whole. */
import { z } from "zod";
import type { Running } from "../../cli/server.ts";
import type { Decision } from "../../core/decision.ts";
import { ChainVerifier } from "../../core/ledger/chain.ts";
import { GIVEN_BACK } from "../../core/revocation.ts";
import type { TicketView } from "../../core/store/store.ts";
import type { Filed } from "./replay.ts";
import type { Site } from "./site.ts";

export interface Outcome {
  filed: Filed;
  view: TicketView | undefined;
  /** Interlock's notes that stand in the system of record. */
  notes: string[];
  /** Group that stands there. */
  group: string;
}

export interface Audit {
  outcomes: Outcome[];
  /** One sentence for each thing that is not as it must be. */
  faults: string[];
  ledgerEntries: number;
  approvals: Approvals;
}

/** Requests for approval, and what came of them. */
export interface Approvals {
  asked: number;
  granted: number;
  refused: number;
  /** Requests that were void, since what was approved changed. */
  again: number;
  open: number;
}

/** Reads both systems of record and the store, and compares. `security` are those that a person must approve of. */
export async function audit(
  site: Site,
  server: Running,
  filed: readonly Filed[],
  security: readonly Filed[],
): Promise<Audit> {
  const groups = new Map(site.snow.rows("sys_user_group").map((row) => [row.sys_id, row["name"] ?? ""]));
  const outcomes: Outcome[] = [];
  for (const ticket of filed) {
    const view = await server.store.view(ticket.connection, ticket.key);
    outcomes.push({ filed: ticket, view, notes: notesOf(site, ticket), group: groupOf(site, ticket, groups) });
  }
  const faults = [...outcomes.flatMap((outcome) => faultsOf(outcome, groups)), ...unguarded(outcomes, security)];
  const internal = await server.metrics.total("interlock_failures_total", { kind: "internal" });
  if (internal > 0) faults.push(`${internal} looks at a ticket failed for a reason of our own; the log names it`);
  const ledger = await verifyLedger(server);
  const approvals = approvalsOf(ledger.gateEvents);
  faults.push(...ledger.faults, ...approvalFaults(approvals, outcomes));
  return { outcomes, faults, ledgerEntries: ledger.entries, approvals };
}

function approvalsOf(events: readonly string[]): Approvals {
  const count = (event: string): number => events.filter((each) => each === event).length;
  const [asked, granted, refused, again] = [count("asked"), count("granted"), count("refused"), count("void")];
  return { asked, granted, refused, again, open: asked - granted - refused };
}

/** What the approvers of the demo did must be what the ledger says, and what stands in the store. */
function approvalFaults({ asked, granted, refused, again, open }: Approvals, outcomes: readonly Outcome[]): string[] {
  const faults: string[] = [];
  const requested = outcomes.flatMap(({ view }) => view?.gates ?? []).filter(({ state }) => state === "requested");
  if (requested.length !== open)
    faults.push(`${requested.length} approvals are waited for, and the ledger has ${open}`);
  if (refused !== 1 || again !== 1 || granted !== asked - 2)
    faults.push(`of ${asked} requests ${granted} were approved, ${refused} rejected and ${again} void`);
  return faults;
}

/** Who has not approved, and must before the ticket is assigned: until then it stays where people put it. */
export function waitsFor({ gates }: Decision): string[] {
  const open = gates.filter(({ before, state }) => before.includes("assign") && state !== "granted");
  return [...new Set(open.flatMap((gate) => gate.groups))];
}

/** Security tickets need a person, whatever a model says: here, without one. */
function unguarded(outcomes: readonly Outcome[], security: readonly Filed[]): string[] {
  const open = outcomes.filter(
    ({ filed, view }) =>
      security.includes(filed) && !view?.decision?.gates.some(({ groups }) => groups.includes("Security Operations")),
  );
  return open.map(({ filed }) => `${filed.connection}/${filed.key} is about security, and no gate stands before it`);
}

function faultsOf({ filed, view, notes, group }: Outcome, groups: ReadonlyMap<string, string>): string[] {
  const name = `${filed.connection}/${filed.key}`;
  if (!view?.decision) return [`${name} was never decided on`];
  const faults: string[] = [];
  if (view.parked) faults.push(`${name} is parked: ${view.parked.reason}, ${view.parked.detail}`);
  const { decision } = view;
  const asleep = decision.wakeAt !== null && view.dueAtMs === Date.parse(decision.wakeAt);
  const polls = view.gates.some(({ state }) => state === "requested");
  if (view.dueAtMs !== null && !asleep && !polls) faults.push(`${name} is still due`);
  const assigned = view.actions.some(
    ({ field, decisionId }) => decisionId === decision.id && (field === "assignmentGroup" || field === "assignee"),
  );
  if (assigned && waitsFor(decision).length > 0) faults.push(`${name} was assigned before it was approved`);
  faults.push(...followedUnproven(name, decision, view));
  // Somebody edited the ticket just before: nothing was written on top of that, and it was decided anew.
  const tried = view.actions.filter(({ state, detail }) => state !== "abandoned" || detail !== "refused: conflict");
  const markers = tried.filter(({ kind }) => kind === "note").map(({ marker }) => marker);
  for (const marker of markers) {
    const times = notes.filter((note) => note.includes(marker)).length;
    if (times !== 1) faults.push(`${name} has the note ${marker} ${times} times`);
  }
  if (notes.length !== markers.length)
    faults.push(`${name} has ${notes.length} notes for ${markers.length} recorded ones`);
  const unsure = tried.filter(({ state }) => state !== "applied" && state !== "found");
  for (const action of unsure) faults.push(`${name}: ${action.field} is ${action.state}`);
  const ours = tried.findLast(({ field }) => field === "assignmentGroup");
  // Taking over from an intake value is the job, even when a person put it there before we ever wrote.
  const takenOver = ours !== undefined && ours.before === (filed.groupByPeople ?? ours.before) && ours.after === group;
  const theirs = filed.groupByPeople !== undefined && filed.groupByPeople === group;
  // A person who then chose what stood there anyway has changed nothing that the history shows.
  const value = String(ours?.after ?? "");
  const putBack = ours?.because.includes(GIVEN_BACK) === true && (groups.get(value) ?? value) === group;
  const untouched = ours === undefined && filed.groupByPeople === undefined;
  if (!takenOver && !theirs && !putBack && !untouched) {
    faults.push(
      `${name} stands with "${group}"; people last chose "${filed.groupByPeople ?? ""}", Interlock "${String(ours?.after ?? "")}"`,
    );
  }
  return faults;
}

/** What advice may only suggest is never written. */
function followedUnproven(name: string, { id, advice, suggests }: Decision, { actions }: TicketView): string[] {
  const written = actions.filter(({ kind, decisionId }) => kind === "set" && decisionId === id);
  return written
    .filter(
      ({ field, after }) =>
        advice?.limit && field !== "note" && field !== "gate" && after !== null && suggests[field] === after,
    )
    .map(({ field }) => `${name}: ${field} was written, though AI may only suggest it: ${advice?.limit}`);
}

function notesOf(site: Site, ticket: Filed): string[] {
  const texts =
    ticket.connection === "snow"
      ? site.snow
          .journal(ticket.id)
          .filter(({ element }) => element === "work_notes")
          .map(({ value }) => value)
      : site.jira.comments(ticket.id).map(({ text }) => text);
  return texts.filter((text) => text.includes("[il:") && !text.startsWith("Interlock asks for your approval"));
}

function groupOf(site: Site, ticket: Filed, groups: ReadonlyMap<string, string>): string {
  if (ticket.connection === "snow")
    return groups.get(site.snow.get(ticket.table, ticket.id)?.["assignment_group"] ?? "") ?? "";
  const value = site.jira.get(ticket.id)?.fields["customfield_10101"];
  return value !== null && typeof value === "object" && "name" in value ? String(value.name) : "";
}

const PAGE = 5_000;

const GateBody = z.looseObject({ event: z.string() });

async function verifyLedger(server: Running): Promise<{ entries: number; faults: string[]; gateEvents: string[] }> {
  const gateEvents: string[] = [];
  const verifier = new ChainVerifier();
  for (let after = 0; ; ) {
    const entries = await server.store.entries(after, PAGE);
    for (const entry of entries) {
      verifier.add(entry);
      if (entry.kind === "gate") gateEvents.push(GateBody.parse(JSON.parse(entry.body)).event);
    }
    if (entries.length < PAGE) break;
    after = entries.at(-1)?.seq ?? after;
  }
  const verdict = verifier.verdict();
  return verdict.ok
    ? { entries: verdict.entries, faults: [], gateEvents }
    : {
        entries: verdict.seq - 1,
        faults: [`the ledger is broken at entry ${verdict.seq}: ${verdict.what}`],
        gateEvents,
      };
}
