import type { Need } from "../decision.ts";
import type { TicketRef } from "../ticket.ts";
import type { Eligible, GivenAnswer } from "./answer.ts";

/** What is asked of people in their native queue. */
export interface ApprovalAsk {
  ref: TicketRef;
  /** ServiceNow table, Jira project key. */
  recordType: string;
  /** `[il:<id>]`, one per round: by it a repeated request finds its first one. */
  marker: string;
  /** Names of groups; people by e-mail or by the vendor's id. */
  groups: readonly string[];
  people: readonly string[];
  need: Need;
  /** Vendor id of whoever wants it, who is not asked; empty where nobody is known. */
  requester: string;
  /** For the approver, without the marker. It goes to the vendor only. */
  text: string;
}

export interface Asked {
  /** When it was asked, in ms since 1970 by the vendor's own clock: answers before it are about something else. */
  atMs: number;
  /** The state of the record before it was asked, in the vendor's own word. */
  seen: string;
}

/** A request whose end is not known here. */
export interface OpenRequest {
  ref: TicketRef;
  recordType: string;
  marker: string;
  /** Null: it is not known whether it was asked at all, as after a crash. */
  requestedAtMs: number | null;
  /** What the platform's own flow asks about the same, as the board, is an answer to it too. */
  platform: boolean;
}

/** What the native queue shows of a request. */
export type RequestStanding =
  | { state: "absent" }
  | {
      state: "standing";
      /** As `Asked`. */
      atMs: number;
      seen: string;
      answers: readonly GivenAnswer[];
      /** Ids of those who answered or were asked → names, for notes; not to be kept. */
      names: ReadonlyMap<string, string>;
      /** What somebody did past the queue, as a sentence without ticket text; null where nobody did. */
      sideDoor: string | null;
      /** Nobody of those who were asked has anything left to answer, and it is not decided. */
      spent: boolean;
      /** The record does not stand where anybody could answer, as after a first answer that was not enough. */
      shut: boolean;
    };

/** Who may answer just now. */
export interface Electorate {
  eligible: Eligible;
  /** Names of rules that the directory does not know, or whose group has no active member. */
  unknown: readonly string[];
  names: ReadonlyMap<string, string>;
}

/**
 * The queue in which a system's own people approve. They are asked, and their answers are read; answering is not among
 * the things that can be done here. Every failure is a ConnectorError.
 */
export interface Approvals {
  readonly connection: string;
  /** Who may answer a request to these groups and people at an hour, with delegates and those who have left. */
  electorate(who: Pick<ApprovalAsk, "groups" | "people">, atMs: number): Promise<Electorate>;
  /** Ids of the integration account and of the accounts that are listed as automation. */
  ownIds(): Promise<ReadonlySet<string>>;
  /** Asks once: a request that stands under this marker already is that one. */
  ask(request: ApprovalAsk): Promise<Asked>;
  /** In the order of `requests`. */
  standing(requests: readonly OpenRequest[]): Promise<RequestStanding[]>;
  /** Takes back what was asked under a marker and is not answered yet; nothing where there is nothing. */
  cancel(request: OpenRequest): Promise<void>;
  /**
   * Undoes what somebody did past the queue: what was done to the request, and with `state` the record itself, back to the
   * state `seen`, or held where there is no way back. `onHold`: the
   * platform's own hold was set by this.
   */
  undoSideDoor(
    request: OpenRequest & { seen: string; state: boolean },
  ): Promise<{ done: boolean; detail: string; onHold?: true }>;
}
