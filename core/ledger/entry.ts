import { z } from "zod";
import { AdviceOutcome, Demotion } from "../advice/remembered.ts";
import { STEPS, UNANSWERED } from "../advice/step.ts";
import { Action, Hold } from "../decision.ts";
import { RevokedState } from "../revocation.ts";
import { Instant, SETTABLE_FIELDS } from "../ticket.ts";

/** Half a character, where a text was cut to its length, has no canonical form: it is replaced. */
const shortText = z
  .string()
  .max(400)
  .overwrite((text) => text.toWellFormed());

/** What an entry of each kind holds. Strict: a field nobody declared never gets into the evidence. No ticket text. */
export const BODIES = {
  /** The process began or ended work. */
  start: z.strictObject({
    version: shortText,
    mode: shortText,
    policyVersion: shortText,
    /** Of the mappings in use; older entries have none. */
    mappingsVersion: shortText.optional(),
    worker: shortText,
  }),
  stop: z.strictObject({ worker: shortText, released: z.int() }),
  /** A hint was accepted. */
  signal: z.strictObject({
    connection: shortText,
    cause: z.enum(["webhook", "sweep", "timer", "redrive"]),
    deliveryId: shortText.nullable(),
    bodyDigest: shortText.nullable(),
  }),
  decision: z.strictObject({
    id: shortText,
    key: shortText,
    revision: shortText,
    mode: shortText,
    policyVersion: shortText,
    inputsDigest: shortText,
    because: z.array(shortText),
    set: z.partialRecord(z.enum(SETTABLE_FIELDS), z.union([shortText, z.int()])),
    holds: z.array(Hold),
  }),
  /** The intent to write, recorded before the call. */
  action: Action,
  /** What became of it. */
  receipt: z.strictObject({
    actionId: shortText,
    outcome: z.enum(["applied", "unconfirmed", "dropped", "found", "abandoned"]),
    detail: shortText,
  }),
  /** Something about an approval: who was asked is in the request; who answered, and whether it counted, is here. */
  gate: z.strictObject({
    event: z.enum([
      "asked",
      "answer_refused",
      "granted",
      "refused",
      "expired",
      "void",
      "gone",
      "side_door",
      "reopened",
      "automatic",
    ]),
    rule: shortText,
    marker: shortText,
    bindsDigest: shortText,
    /** Of the vendor's row or approval, and of who gave it; null where the event is about none. */
    answerId: shortText.nullable(),
    by: shortText.nullable(),
    /** Who wants what is asked for, by the vendor's id; absent in older entries, null where nobody is known. */
    requester: shortText.nullable().optional(),
    at: Instant.nullable(),
    /** Why an answer does not count, what was done past the approval, or what a rollback is asked for. */
    reason: shortText,
  }),
  /** A check of a change reported how it went. */
  check: z.strictObject({ name: shortText, passed: z.boolean(), by: shortText }),
  parked: z.strictObject({ reason: shortText, detail: shortText }),
  redrive: z.strictObject({ by: shortText }),
  /** Somebody wants actions undone: which, and how many those were. */
  revoke: z.strictObject({
    id: shortText,
    action: shortText.nullable(),
    rule: shortText.nullable(),
    decision: shortText.nullable(),
    connection: shortText.nullable(),
    since: Instant.nullable(),
    until: Instant.nullable(),
    actions: z.int(),
    tickets: z.int(),
    by: shortText,
    reason: shortText,
  }),
  /** What came of it, on one ticket. */
  revoked: z.strictObject({
    revocation: shortText,
    ends: z.array(z.strictObject({ actionId: shortText, state: RevokedState, reason: shortText })).max(200),
  }),
  /** Somebody lowered the mode, for one connection or for all, or lifted that. */
  mode: z.strictObject({
    connection: shortText.nullable(),
    mode: shortText,
    configured: shortText,
    by: shortText,
  }),
  /** Rules or mappings were changed while the server ran. */
  config: z.strictObject({
    before: shortText,
    policyVersion: shortText,
    mappingsVersion: shortText.optional(),
    mode: shortText,
    /** Rule by rule, and mapping by mapping with its version; the count says how many there were in all. */
    changes: z.array(shortText).max(200),
    changed: z.int(),
    /** Each file with who could write it. */
    files: z.array(shortText).max(20),
  }),
  /** A model was asked, or could not be, about a ticket. Labels of closed sets; no word of its own. */
  advice: z.strictObject({
    step: z.enum(STEPS),
    /** Digest of the question: what was asked, in which words, under which schema. */
    question: shortText,
    /** Who was asked, in turn, and what came of it: `used`, or why not. */
    tried: z
      .array(z.strictObject({ provider: shortText, model: shortText, outcome: z.enum(["used", ...UNANSWERED]) }))
      .max(20),
    /** Field → label and the error it may have, in hundredths of a percent; null where nothing certifies it. */
    labels: z.record(shortText, z.strictObject({ label: shortText, by: shortText, boundBp: z.int().nullable() })),
    promptVersion: shortText,
    costMicros: z.int().nonnegative(),
  }),
  /** What a label turned out to be when people closed the ticket. */
  outcome: AdviceOutcome,
  /** A class of answers is only suggested from now on. */
  demotion: Demotion,
  /** A sweep found changes that no webhook had told of, or caught up with its system. */
  sweep: z.strictObject({
    connection: shortText,
    recordType: shortText,
    /** From where it looked, by the vendor's clock. */
    since: Instant,
    changed: z.int(),
    signalled: z.int(),
    /** False where the rest was left to the next sweep. */
    complete: z.boolean(),
  }),
  /** The clock on the wall was set: hours of entries before and after it cannot be held against each other. */
  clock: z.strictObject({
    worker: shortText,
    /** How far the wall clock went beyond the time that had passed; negative where it was set back. */
    jumpMs: z.int(),
  }),
  /** Checkpoints are signed with this key from now on. */
  key: z.strictObject({
    keyId: shortText,
    /** Base64 of the DER of its SubjectPublicKeyInfo. */
    publicKey: shortText,
    /** The key of before, whose checkpoint over this entry vouches for the new one; null for the first. */
    previous: shortText.nullable(),
  }),
  /** Bodies were dropped; the hashes of their entries stay. */
  dropped: z.strictObject({
    why: z.enum(["retention", "erasure"]),
    by: shortText,
    /** Retention: all entries of these kinds up to and with this one. */
    upTo: z.int().nonnegative(),
    kinds: z.array(shortText).max(50),
    /** Erasure: these entries. Of whom is not said. */
    seqs: z.array(z.int().positive()).max(500),
    count: z.int().nonnegative(),
  }),
  /** Which instance a connection may write to, and whether it is the one that answers. */
  identity: z.strictObject({
    connection: shortText,
    event: z.enum(["pinned", "contradicted", "restored", "confirmed"]),
    pinned: shortText,
    seen: shortText,
    by: shortText,
  }),
} as const;

export type EntryKind = keyof typeof BODIES;
export const ENTRY_KINDS: readonly EntryKind[] = [
  "start",
  "stop",
  "signal",
  "decision",
  "action",
  "receipt",
  "gate",
  "check",
  "parked",
  "redrive",
  "revoke",
  "revoked",
  "mode",
  "config",
  "advice",
  "outcome",
  "demotion",
  "sweep",
  "clock",
  "key",
  "dropped",
  "identity",
];

/** Kinds whose bodies may be dropped. Keys, and what was dropped, are what a ledger is verified by. */
export const DROPPABLE_KINDS: readonly EntryKind[] = ENTRY_KINDS.filter((kind) => kind !== "key" && kind !== "dropped");

export type Draft = {
  [K in EntryKind]: { kind: K; ticket: string | null; body: z.infer<(typeof BODIES)[K]> };
}[EntryKind];

/** One line of the ledger, as it is stored and exported. */
export const Entry = z.strictObject({
  /** 1, 2, 3 ... without a gap. */
  seq: z.int().positive(),
  at: Instant,
  kind: z.string(),
  ticket: z.string().nullable(),
  /** Canonical JSON of the body, byte for byte as it was hashed; empty where it was dropped. */
  body: z.string(),
  /** Hash of the entry before; 64 zeros for the first. */
  prev: z.string(),
  hash: z.string(),
  /** 16 random bytes in hexadecimal; null where the body was dropped, and in entries of before there were salts. */
  salt: z.string().nullable(),
  /** What stood for a body that was dropped; null as long as it can be computed. Only salted bodies can be dropped. */
  commitment: z.string().nullable(),
});
export type Entry = z.infer<typeof Entry>;

export const GENESIS = "0".repeat(64);

/** What a ledger's end is known by. */
export interface Head {
  seq: number;
  hash: string;
}
