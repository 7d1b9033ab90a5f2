/** A vendor with one ticket and a queue of approvals, as small as it can be, for tests of what must hold in any order of things. */
import { ConnectorError } from "../../../core/errors.ts";
import type { GivenAnswer, Seat } from "../../../core/gates/answer.ts";
import type { ApprovalAsk, Approvals, RequestStanding } from "../../../core/gates/approvals.ts";
import type { Connector } from "../../../core/ports.ts";
import { shippedMapping } from "../support/mappings.ts";

const { record } = shippedMapping("servicenow.incident");

export const BOARD = ["ann", "ben", "rita", "bot"];
const ACTIVE = new Set([...BOARD, "zoe", "dora"]);
export const REQUESTER = "rita";

interface Request extends ApprovalAsk {
  atMs: number;
  /** What stood in the ticket when it was asked. */
  title: string;
  cancelled: boolean;
  answers: (GivenAnswer & { title: string })[];
}

/** At which call the worker dies or the vendor goes silent: before the effect, or after it. */
export type Fault = { call: "ask" | "cancel" | "write" | "standing" | "confirm"; after: boolean };

export interface Assigned {
  group: string;
  title: string;
  atMs: number;
}

export class ApprovalWorld {
  title = "A";
  group = "";
  revision = 1;
  readonly requests: Request[] = [];
  readonly notes: string[] = [];
  readonly assigned: Assigned[] = [];
  fault: Fault | undefined;
  #rows = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  edit(title: string): void {
    if (title === this.title) return;
    this.title = title;
    this.revision += 1;
  }

  /** Somebody answers the newest or the oldest request; the vendor takes it from anybody, which the product must not. */
  answer(by: string, decision: "approved" | "rejected", which: "newest" | "oldest"): void {
    const open = this.requests.filter(({ cancelled }) => !cancelled);
    const request = which === "newest" ? open.at(-1) : open[0];
    if (!request) return;
    this.#rows += 1;
    const id = `row-${this.#rows}`;
    request.answers.push({ id, decision, approverId: by, answeredById: by, atMs: this.#now(), title: this.title });
  }

  readonly connector: Connector = {
    connection: "snow",
    readMax: 50,
    read: async (_, ids) =>
      ids.map((id) => ({
        ...{ id, found: true, key: "INC1", recordType: "incident", revision: String(this.revision) },
        record: {
          ...record,
          ...{ short_description: this.title, caller_id: REQUESTER, state: "1" },
          ...{ assignment_group: this.group, "assignment_group.name": this.group },
        },
      })),
    write: async ({ fields, note }) => {
      this.#fail("write", false);
      for (const { field, after } of fields) {
        if (field !== "assignmentGroup") continue;
        this.group = String(after);
        this.revision += 1;
        this.assigned.push({ group: this.group, title: this.title, atMs: this.#now() });
      }
      if (note) this.notes.push(note.text);
      this.#fail("write", true);
      return {
        applied: [...fields.map(({ actionId }) => actionId), note?.actionId ?? ""],
        ...{ unconfirmed: [], dropped: [], raced: false },
      };
    },
    confirm: async (queries) => {
      this.#fail("confirm", false);
      return new Map(
        queries.map(({ marker }) => [marker, this.notes.some((note) => note.includes(marker)) ? "present" : "absent"]),
      );
    },
    overwritten: async () => ({ found: [], unknown: [] }),
    close: async () => undefined,
  };

  readonly approvals: Approvals = {
    connection: "snow",
    ownIds: async () => new Set(["bot"]),
    electorate: async ({ groups, people }) => {
      const members = groups.includes("Board") ? BOARD : groups.includes("Deputies") ? ["dora"] : [];
      const eligible = new Map<string, readonly Seat[]>();
      for (const id of [...members, ...people]) eligible.set(id, [groups[0] ? `group:${groups[0]}` : `person:${id}`]);
      const inactive = new Set([...eligible.keys()].filter((id) => !ACTIVE.has(id)));
      return { eligible: { people: eligible, delegates: new Map(), inactive }, unknown: [], names: new Map() };
    },
    ask: async (ask) => {
      this.#fail("ask", false);
      let request = this.requests.find(({ marker }) => marker === ask.marker);
      if (!request) {
        request = { ...ask, atMs: this.#now(), title: this.title, cancelled: false, answers: [] };
        this.requests.push(request);
      }
      this.#fail("ask", true);
      return { atMs: request.atMs, seen: "1" };
    },
    standing: async (asked) => {
      this.#fail("standing", false);
      return asked.map(({ marker }): RequestStanding => {
        const request = this.requests.find((each) => each.marker === marker);
        if (!request) return { state: "absent" };
        const { atMs, answers } = request;
        return {
          ...{ state: "standing", atMs, seen: "1", answers, names: new Map() },
          ...{ sideDoor: null, shut: false, spent: false },
        };
      });
    },
    cancel: async ({ marker }) => {
      this.#fail("cancel", false);
      for (const request of this.requests) if (request.marker === marker) request.cancelled = true;
      this.#fail("cancel", true);
    },
    undoSideDoor: async () => ({ done: true, detail: "" }),
  };

  #fail(call: Fault["call"], after: boolean): void {
    if (this.fault?.call !== call || this.fault.after !== after) return;
    this.fault = undefined;
    const message = "the vendor never answered";
    throw new ConnectorError({ kind: "unavailable", connection: "snow", message, outcome: "unknown" });
  }
}
