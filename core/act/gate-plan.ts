import type { Mode } from "../config/settings.ts";
import type { Decision, Gate, Need } from "../decision.ts";
import type { JudgedAnswer } from "../gates/answer.ts";
import type { GateMemory } from "../gates/gate.ts";
import type { Ticket } from "../ticket.ts";

/** Something about an approval that people are told of, once. */
export interface GateEvent {
  kind:
    | "asked"
    | "answer_refused"
    | "granted"
    | "refused"
    | "expired"
    | "void"
    | "gone"
    | "side_door"
    | "reopened"
    | "automatic";
  rule: string;
  marker: string;
  /** The answer it is about; absent where it is about none. */
  answer?: JudgedAnswer;
  /** Ids of those whose answers have decided it. */
  by?: readonly string[];
  /** What was done past the approval, for people. */
  what?: string;
  /** It is on record, and only the ticket does not tell of it yet. */
  recorded?: true;
}

/** Who is asked: those of the rule, or those who stand in for them; or why there is nobody. */
export type AskWho =
  | { groups: readonly string[]; people: readonly string[]; need: Need; fallback: boolean }
  | { nobody: string };

/** A request to be made: a new round, or one that a crash left unfinished. */
export interface PlannedAsk {
  gate: Gate;
  who: Exclude<AskWho, { nobody: string }>;
  /** The unfinished one. */
  half: GateMemory | undefined;
  /** How often it was put back, or made again. */
  undone: number;
}

/** `state`: the record's own state is to go back, and not only what was done to the request. */
export interface PlannedUndo {
  memory: GateMemory;
  state: boolean;
}

export interface GatePlan {
  asks: PlannedAsk[];
  /** Rules whose approvers must be looked up before this plan is one. */
  unresolved: Gate[];
  cancels: GateMemory[];
  undos: PlannedUndo[];
  events: GateEvent[];
  /** What is remembered from now on, without what is asked now. */
  memory: GateMemory[];
  /** What is remembered before anything is written: an answer that has decided is final, whatever becomes of the write. */
  decided: GateMemory[];
  /** Why a person is needed. */
  park: { reason: string; detail: string } | undefined;
}

export interface GatePlanInput {
  ticket: Pick<Ticket, "status" | "kind" | "change">;
  decision: Pick<Decision, "gates" | "holds" | "rollback">;
  /** As they were remembered, and as the queue has them now. */
  before: readonly GateMemory[];
  judged: readonly JudgedGate[];
  mode: Mode;
  /** The connection has a queue in which people can be asked. */
  canAsk: boolean;
  who: ReadonlyMap<string, AskWho>;
  /** Names of events that a note tells of already, though that was never remembered. */
  told: ReadonlySet<string>;
  nowMs: number;
}

/** A round as its queue shows it. */
export interface JudgedGate {
  memory: GateMemory;
  /** It was not asked in full: a crash came between. */
  half: boolean;
  /** Too few are left who could answer it. */
  stranded: boolean;
  /** What somebody did to the request itself; null where nobody did. */
  sideDoor: string | null;
  /** Nobody can answer it where the record stands. */
  shut: boolean;
}
