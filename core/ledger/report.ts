import type { z } from "zod";
import { BODIES, type Draft, type Entry, type EntryKind } from "./entry.ts";

type Body<K extends EntryKind> = z.infer<(typeof BODIES)[K]>;

/** Rows of one list of a report: beyond, nobody reads them, and a shorter period is asked for. */
const ROWS_MAX = 200_000;

/** One write, with who stands behind it. */
export interface ReportedChange {
  seq: number;
  at: string;
  ticket: string;
  field: string;
  before: string;
  after: string;
  outcome: string;
  decision: string;
  rules: string;
  policy: string;
  mode: string;
  /** Whoever approved what the ticket waited for, until then. */
  approvedBy: string;
  /** Labels of models in the decisions on the ticket until then, with who gave them. */
  advice: string;
}

/** One approval, or what took its place. */
export interface ReportedApproval {
  seq: number;
  at: string;
  ticket: string;
  rule: string;
  event: string;
  requester: string;
  by: string;
  /** yes, no, or not recorded. */
  differs: string;
  reason: string;
}

/** Something that did not go the usual way: who did it, or what happened. */
export interface ReportedEvent {
  seq: number;
  at: string;
  ticket: string;
  what: string;
  by: string;
}

export interface LedgerReport {
  from: string;
  to: string;
  entries: number;
  /** Entries whose body was dropped, and which can say nothing here. */
  dropped: number;
  changes: ReportedChange[];
  approvals: ReportedApproval[];
  exceptions: ReportedEvent[];
  overrides: ReportedEvent[];
  advice: { provider: string; model: string; asked: number; used: number }[];
  adviceCostMicros: number;
  labels: { right: number; wrong: number };
}

/** What a ticket has behind it while the ledger is followed. */
interface Behind {
  decision: Body<"decision"> | undefined;
  approvers: Map<string, Set<string>>;
  advice: string;
}

/** Tickets that are kept in mind; the one that was heard of longest ago is let go. */
const TICKETS_MAX = 100_000;

/**
 * Makes what an auditor samples from: changes, approvals, exceptions, overrides, and what models had to do with it, of
 * entries from `from` up to and without `to`. Earlier entries of the same tickets are fed too: they say who approved.
 */
export class Reporter {
  readonly #report: LedgerReport;
  readonly #tickets = new Map<string, Behind>();
  readonly #open = new Map<string, ReportedChange>();
  readonly #models = new Map<string, LedgerReport["advice"][number]>();

  constructor(from: string, to: string) {
    this.#report = {
      ...{ from, to, entries: 0, dropped: 0, changes: [], approvals: [], exceptions: [], overrides: [], advice: [] },
      ...{ adviceCostMicros: 0, labels: { right: 0, wrong: 0 } },
    };
  }

  /** Feeds the next entry, in order. Throws where a list becomes too long. */
  add(entry: Entry): void {
    const { from, to } = this.#report;
    if (entry.at >= to) return;
    const inside = entry.at >= from;
    if (inside) this.#report.entries += 1;
    if (entry.body === "") {
      if (inside) this.#report.dropped += 1;
      return;
    }
    this.#follow(entry, inside);
  }

  report(): LedgerReport {
    return { ...this.#report, advice: [...this.#models.values()] };
  }

  #follow(entry: Entry, inside: boolean): void {
    const read = draftOf(entry);
    if (!read) return;
    const { seq, at } = entry;
    const ticket = entry.ticket ?? "";
    const row = { seq, at, ticket };
    switch (read.kind) {
      case "decision":
        this.#behind(ticket).decision = read.body;
        if (inside && read.body.holds.length > 0)
          this.#push("exceptions", {
            ...row,
            what: `held: ${read.body.holds.map(({ reason }) => reason).join("; ")}`,
            by: "",
          });
        break;
      case "advice":
        this.#behind(ticket).advice = labelsOf(read.body);
        if (inside) this.#countAdvice(read.body);
        break;
      case "outcome":
        if (inside) this.#report.labels[read.body.correct ? "right" : "wrong"] += 1;
        break;
      case "gate":
        this.#gate(row, read.body, inside);
        break;
      case "action":
        if (inside) this.#change(row, read.body);
        break;
      case "receipt": {
        const change = this.#open.get(read.body.actionId);
        if (change) change.outcome = read.body.outcome;
        this.#open.delete(read.body.actionId);
        break;
      }
      default:
        if (inside) this.#event(row, read);
    }
  }

  #event(row: Omit<ReportedEvent, "what" | "by">, read: Draft): void {
    const told = exceptionOf(read);
    if (told) this.#push("exceptions", { ...row, ...told });
    const override = overrideOf(read);
    if (override) this.#push("overrides", { ...row, ...override });
  }

  #gate(row: Omit<ReportedEvent, "what" | "by">, body: Body<"gate">, inside: boolean): void {
    const approvers = this.#behind(row.ticket).approvers;
    if (body.event === "granted")
      approvers.set(body.rule, (approvers.get(body.rule) ?? new Set()).add(body.by ?? "unknown"));
    if (["asked", "void", "expired", "refused", "gone"].includes(body.event)) approvers.delete(body.rule);
    if (!inside) return;
    const { requester = null, by } = body;
    const known = requester !== null && by !== null;
    this.#push("approvals", {
      ...row,
      ...{ rule: body.rule, event: body.event, requester: requester ?? "", by: by ?? "", reason: body.reason },
      differs: known ? (requester === by ? "no" : "yes") : "not recorded",
    });
    if (body.event === "side_door")
      this.#push("exceptions", { ...row, what: `side door: ${body.reason}`, by: by ?? "" });
  }

  #change(row: Omit<ReportedEvent, "what" | "by">, body: Body<"action">): void {
    const { decision, approvers, advice } = this.#behind(row.ticket);
    const change: ReportedChange = {
      ...row,
      ...{ field: body.kind === "set" ? body.field : `${body.field} (${body.kind})`, outcome: "open", advice },
      ...{ before: String(body.before ?? ""), after: String(body.after ?? ""), decision: body.decisionId },
      rules: body.because.join(", "),
      policy: decision?.policyVersion ?? "",
      mode: decision?.mode ?? "",
      approvedBy: [...approvers].map(([rule, people]) => `${[...people].join(" and ")} (${rule})`).join(", "),
    };
    this.#push("changes", change);
    this.#open.set(body.id, change);
  }

  #countAdvice({ tried, costMicros }: Body<"advice">): void {
    this.#report.adviceCostMicros += costMicros;
    for (const { provider, model, outcome } of tried) {
      const key = `${provider}\n${model}`;
      const counted = this.#models.get(key) ?? { provider, model, asked: 0, used: 0 };
      counted.asked += 1;
      if (outcome === "used") counted.used += 1;
      this.#models.set(key, counted);
    }
  }

  #behind(ticket: string): Behind {
    const known = this.#tickets.get(ticket) ?? { decision: undefined, approvers: new Map(), advice: "" };
    this.#tickets.delete(ticket);
    this.#tickets.set(ticket, known);
    const [oldest] = this.#tickets.keys();
    if (this.#tickets.size > TICKETS_MAX && oldest !== undefined) this.#tickets.delete(oldest);
    return known;
  }

  #push<L extends "changes" | "approvals" | "exceptions" | "overrides">(list: L, row: LedgerReport[L][number]): void {
    const rows: LedgerReport[L][number][] = this.#report[list];
    if (rows.length >= ROWS_MAX)
      throw new RangeError(`more than ${ROWS_MAX} ${list} in that period; ask for a shorter one`);
    rows.push(row);
  }
}

/** What an entry says; undefined for a kind that nobody knows, which verify complains about. */
function draftOf({ kind, ticket, body }: Entry): Draft | undefined {
  if (!Object.hasOwn(BODIES, kind)) return undefined;
  const { data } = BODIES[kind as EntryKind].safeParse(JSON.parse(body)); // a key of BODIES, as was just seen
  return data && ({ kind, ticket, body: data } as Draft); // kind and body are of the same schema
}

function labelsOf({ labels, tried }: Body<"advice">): string {
  const said = Object.entries(labels).map(([field, { label, by }]) => `${field} = ${label} (${by})`);
  return said.length > 0 ? said.join(", ") : `none (${tried.map(({ outcome }) => outcome).join(", ")})`;
}

function exceptionOf(read: Draft): { what: string; by: string } | undefined {
  switch (read.kind) {
    case "parked":
      return { what: `parked: ${read.body.reason}`, by: "" };
    case "demotion":
      return { what: `only suggested from now on: ${read.body.field} = ${read.body.label} by ${read.body.by}`, by: "" };
    case "clock":
      return { what: `the clock was set by ${read.body.jumpMs} ms`, by: read.body.worker };
    case "sweep":
      return read.body.complete ? undefined : { what: `a sweep of ${read.body.connection} was cut short`, by: "" };
    default:
      return undefined;
  }
}

function overrideOf(read: Draft): { what: string; by: string } | undefined {
  switch (read.kind) {
    case "redrive":
      return { what: "a parked ticket was taken up again", by: read.body.by };
    case "mode":
      return {
        what: `mode ${read.body.mode} (configured: ${read.body.configured}), ${read.body.connection ?? "all connections"}`,
        by: read.body.by,
      };
    case "config":
      return {
        what: `configuration: ${read.body.changes.join("; ")}`,
        by: read.body.files.join("; "),
      };
    case "identity":
      return { what: `instance of ${read.body.connection}: ${read.body.event}`, by: read.body.by };
    case "key":
      return { what: `the ledger is signed by ${read.body.keyId}`, by: "" };
    case "dropped":
      return { what: `${read.body.count} bodies were dropped: ${read.body.why}`, by: read.body.by };
    default:
      return undefined;
  }
}
