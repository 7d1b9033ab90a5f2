/** The rig with what its tests ask again and again: two tickets, their notes, their entries in the ledger. */
import { expect } from "chai";
import { systemClock } from "../../cli/system.ts";
import type { Clock } from "../../core/clock.ts";
import { ChainVerifier } from "../../core/ledger/chain.ts";
import type { Entry } from "../../core/ledger/entry.ts";
import { type Rig, type RigOptions, startRig } from "../support/rig.ts";

export const ABEL = { snow: { by: "abel.tuter" }, jira: { by: "5b10-abel" } };
export const BETH = { snow: { by: "beth.anglin" }, jira: { by: "5b10-beth" } };

/** A ticket in either system, seen the same way. */
export interface Ticket {
  connection: "snow" | "jira";
  id: string;
  key: string;
  /** The name of its row in the work set. */
  name: string;
  group(): string;
  notes(): string[];
  /** A person assigns it to a group. */
  assign(group: string): void;
  /** A person changes something that no rule reads, so that the vendor tells of it. */
  touch(): void;
  remove(): void;
}

export interface Stage {
  rig: Rig;
  snow(fields?: Record<string, string>): Ticket;
  jira(fields?: Record<string, unknown>): Ticket;
  /** Entries of one ticket, or of all. */
  entries(ticket?: Ticket): Promise<Entry[]>;
  /** Kinds of a ticket's entries, in order. */
  kinds(ticket: Ticket): Promise<string[]>;
  /** Requests to a simulator whose method and path match. */
  calls(connection: "snow" | "jira", what: RegExp): { status: number; atMs: number }[];
}

/** A busy machine is no reason to give a call up; tests of what is never answered say so. */
const PATIENT = { callTimeoutMs: 10_000, leaseMs: 60_000 };

/** Opens a stage, plays, and always takes it down again. */
export async function onStage(options: RigOptions, play: (stage: Stage) => Promise<void>): Promise<void> {
  const rig = await startRig({ ...options, limits: { ...PATIENT, ...options.limits } });
  try {
    await play(stageOver(rig));
  } finally {
    await rig.close();
  }
}

function stageOver(rig: Rig): Stage {
  const entries = async (ticket?: Ticket): Promise<Entry[]> => {
    const all = await rig.server.store.entries(0, 100_000);
    return ticket ? all.filter((entry) => entry.ticket === ticket.name) : all;
  };
  return {
    rig,
    snow: (fields) => snowTicket(rig, fields),
    jira: (fields) => jiraTicket(rig, fields),
    entries,
    kinds: async (ticket) => (await entries(ticket)).map(({ kind }) => kind),
    calls: (connection, what) => rig[connection].requests.filter(({ method, path }) => what.test(`${method} ${path}`)),
  };
}

function snowTicket({ snow }: Rig, fields: Record<string, string> = {}): Ticket {
  const row = snow.insert("incident", { short_description: "VPN is down", ...fields }, ABEL.snow);
  const id = row.sys_id;
  let touches = 0;
  return {
    connection: "snow",
    id,
    key: row["number"] ?? "",
    name: `snow/incident/${id}`,
    group: () => {
      const groupId = snow.get("incident", id)?.["assignment_group"];
      return snow.rows("sys_user_group").find(({ sys_id }) => sys_id === groupId)?.["name"] ?? "";
    },
    notes: () => snow.journal(id).map(({ value }) => value),
    assign: (group) => void snow.update("incident", id, { assignment_group: snow.group(group) }, BETH.snow),
    touch() {
      touches += 1;
      snow.update("incident", id, { watch_list: `watcher-${touches}` }, BETH.snow);
    },
    remove: () => snow.remove("incident", id),
  };
}

function jiraTicket({ jira }: Rig, fields: Record<string, unknown> = {}): Ticket {
  const wanted = { summary: "VPN is down", issuetype: "Incident", ...fields };
  const { id, key } = jira.create("OPS", wanted, ABEL.jira);
  let touches = 0;
  return {
    connection: "jira",
    id,
    key,
    name: `jira/issue/${id}`,
    group: () => {
      const group = jira.get(id)?.fields["customfield_10101"];
      return group !== null && typeof group === "object" && "name" in group ? String(group.name) : "";
    },
    notes: () => jira.comments(id).map(({ text }) => text),
    assign: (group) => jira.update(id, { customfield_10101: group }, BETH.jira),
    touch() {
      touches += 1;
      jira.update(id, { labels: [`touched-${touches}`] }, BETH.jira);
    },
    remove: () => jira.remove(id, BETH.jira),
  };
}

/** The ticket has its group and exactly one note of ours that tells of it. */
export function expectRouted(ticket: Ticket, group = "Network Operations"): void {
  expect(ticket.group(), ticket.name).to.equal(group);
  const notes = ticket.notes();
  expect(notes, ticket.name).to.have.length(1);
  expect(notes[0])
    .to.contain(`-> ${group}`)
    .and.to.match(/\[il:[0-9a-f]{16}\]$/);
}

/** The whole ledger holds. */
export async function expectLedgerHolds(stage: Stage): Promise<void> {
  const verifier = new ChainVerifier();
  const entries = await stage.entries();
  for (const entry of entries) verifier.add(entry);
  expect(verifier.verdict()).to.include({ ok: true, entries: entries.length });
}

/** Waits for a condition that the running server brings about. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) throw new Error(`did not come about within ${withinMs} ms: ${what}`);
    await systemClock.sleep(5);
  }
}

/** Time that runs `speed` times faster, so that a second that a vendor asks for passes in a moment. */
export function hastyClock(speed: number): Clock {
  const startMs = Date.now();
  return {
    now: () => startMs + Math.floor((Date.now() - startMs) * speed),
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  };
}
