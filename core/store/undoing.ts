import type { Mode } from "../config/settings.ts";
import type { Action } from "../decision.ts";
import type { GateMemory } from "../gates/gate.ts";
import type { RevokedEnd, RevokedState, RevokeSelector } from "../revocation.ts";
import type { Claim, OpenAction, TicketMemory } from "./store.ts";

/** What a ticket's actions were, for undoing some of them. */
export interface Undoing {
  /** Who wants it, and why, by revocation. */
  revocations: { id: string; by: string; reason: string }[];
  /** All that took effect, or may have, oldest first. */
  past: PastAction[];
}

export interface PastAction extends OpenAction {
  /** Until its receipt is recorded. */
  isOpen: boolean;
  /** The revocation that it belongs to, and whether that is still to be done. */
  revoked?: { revocation: string; wanted: boolean };
}

export interface RevokeRequest {
  id: string;
  selector: RevokeSelector;
  by: string;
  /** In a few words, for the note; may be empty. */
  reason: string;
}

/** A revocation as far as it has come. Counts are of actions. */
export interface RevocationView {
  id: string;
  selector: RevokeSelector;
  by: string;
  reason: string;
  atMs: number;
  wanted: number;
  restored: number;
  corrected: number;
  kept: number;
  /** Of the wanted, those whose ticket waits for a person. */
  parked: number;
  /** Connections of the wanted ones. */
  waitingFor: string[];
}

/** One action of a revocation. */
export interface RevokedView {
  actionId: string;
  connection: string;
  key: string;
  kind: Action["kind"];
  field: Action["field"];
  state: "wanted" | RevokedState;
  /** Why it was kept; of a wanted one, why its ticket waits for a person. */
  reason: string;
}

export interface RevokedPage {
  states: readonly RevokedView["state"][];
  /** The last action of the page before; empty for the first. */
  after: string;
  limit: number;
}

/** A ticket of which something would be undone, as it is remembered. */
export interface Revocable {
  ticket: string;
  connection: string;
  key: string;
  fields: TicketMemory["fields"];
  gates: GateMemory[];
  /** Those that would be undone are marked as wanted. */
  past: PastAction[];
}

/** A mode that was lowered while the server ran, for one connection or, with null, for all. */
export interface LoweredMode {
  connection: string | null;
  mode: Mode;
  atMs: number;
}

export interface ModeChange {
  connection: string | null;
  /** Null lifts what was lowered. */
  mode: Mode | null;
  configured: Mode;
  by: string;
}

/** What the store keeps of undoing, and of the brakes that are put on while a server runs. */
export interface RevocationMemory {
  /**
   * Records that actions are to be undone, and makes their tickets due. Those that an earlier revocation has taken up are
   * left to it. Records nothing where there are none, or more than `most`; answers how many there are, up to one more.
   */
  revoke(request: RevokeRequest, most: number): Promise<{ actions: number; tickets: number; recorded: boolean }>;
  /** The tickets of which `revoke` would undo something, where those actions are at most `most`; else undefined. */
  revocable(selector: RevokeSelector, most: number): Promise<Revocable[] | undefined>;
  /** Records what became of actions that were to be undone, where there is nothing else to remember. */
  endRevoked(claim: Claim, ends: readonly RevokedEnd[]): Promise<boolean>;
  revocation(id: string): Promise<RevocationView | undefined>;
  /** Actions of a revocation, by their id. */
  revokedActions(id: string, page: RevokedPage): Promise<RevokedView[]>;
  /** Lowers the mode, or lifts that again. Records nothing where it is so already; answers since when it was lowered before, null where it was not. */
  setMode(change: ModeChange): Promise<number | null>;
  modes(): Promise<LoweredMode[]>;
}
