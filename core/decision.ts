import { z } from "zod";
import { SETTABLE_FIELDS } from "./ticket.ts";

const FieldValueSchema = z.union([z.string(), z.int()]);

/** What a rule read: closed values as they were, text only by name. */
export const TraceEntry = z.strictObject({
  rule: z.string(),
  verdict: z.enum(["matched", "not_matched", "not_asked", "errored"]),
  /** Path → value for closed fields; text is named without its value. */
  reads: z.record(z.string(), z.string()),
  /** Why it errored. */
  message: z.string().optional(),
});
export type TraceEntry = z.infer<typeof TraceEntry>;

/** Why a ticket waits for a person. */
export const Hold = z.strictObject({ rule: z.string(), reason: z.string() });
export type Hold = z.infer<typeof Hold>;

/** A value that a decision asks for and that is not written, and why. */
export const Skip = z.strictObject({
  field: z.enum(SETTABLE_FIELDS),
  reason: z.enum(["owned_by_person", "not_writable", "already_so"]),
});
export type Skip = z.infer<typeof Skip>;
export type SkipReason = Skip["reason"];

/** What the rules say should be true of a ticket, and why. Holds no ticket text; two equal decisions have equal bytes. */
export const Decision = z.strictObject({
  /** First 16 hexadecimal characters of the digest of the rest. */
  id: z.string(),
  /** Determining rules with the sentence an approver reads. */
  because: z.array(z.strictObject({ rule: z.string(), why: z.string() })),
  /** Desired values; a field that is not named is left alone. */
  set: z.partialRecord(z.enum(SETTABLE_FIELDS), FieldValueSchema),
  holds: z.array(Hold),
  trace: z.array(TraceEntry),
  /** Digest of ticket, facts, policy version and hour. */
  inputsDigest: z.string(),
  policyVersion: z.string(),
});
export type Decision = z.infer<typeof Decision>;

/** What the ledger and the database keep of an action: fields before and after, never text. */
export const Action = z.strictObject({
  id: z.string(),
  kind: z.enum(["set", "note"]),
  /** A settable field, or `note`. */
  field: z.enum([...SETTABLE_FIELDS, "note"]),
  before: FieldValueSchema.nullable(),
  after: FieldValueSchema.nullable(),
  because: z.array(z.string()),
  decisionId: z.string(),
  /** What read-back looks for. */
  marker: z.string(),
});
export type Action = z.infer<typeof Action>;
