import { z } from "zod";
import { Instant } from "../ticket.ts";

/** Why an answer does not count. Closed: each has its named test, and a sentence for the ticket. */
export const ANSWER_REFUSALS = [
  /** Whoever answered was not asked: neither named, nor a member, nor a delegate of one who was. */
  "not_asked",
  /** Nobody approves what they asked for themselves. */
  "requester",
  /** The integration account asks; it never answers. */
  "own_account",
  /** The account is switched off, or gone. */
  "inactive",
  /** Given before it was asked for, so it was about something else. */
  "early",
  /** Given after the time was up. */
  "late",
  /** The system of record does not say who gave it. */
  "nobody",
] as const;
export type AnswerRefusal = (typeof ANSWER_REFUSALS)[number];

/** An answer as the native queue shows it. */
export interface GivenAnswer {
  /** Of the vendor's row or approval. */
  id: string;
  decision: "approved" | "rejected";
  /** Whose answer was asked for by that row. */
  approverId: string;
  /** Who gave it, by the vendor's own evidence; null where it does not say. */
  answeredById: string | null;
  /** Milliseconds since 1970, by the vendor's clock; null where it does not say. */
  atMs: number | null;
}

/** Who may answer a gate just now. */
export interface Eligible {
  /** Ids of people who may answer for themselves, by why: a person who was named, or the name of their group. */
  people: ReadonlyMap<string, readonly Seat[]>;
  /** Delegate → ids of those they may answer for. */
  delegates: ReadonlyMap<string, ReadonlySet<string>>;
  /** Ids that are switched off. */
  inactive: ReadonlySet<string>;
}

/** What somebody answers as: themselves, because a rule names them, or a member of a group that it names. */
export type Seat = `person:${string}` | `group:${string}`;

/** An answer with what became of it. */
export const JudgedAnswer = z.strictObject({
  id: z.string(),
  decision: z.enum(["approved", "rejected"]),
  /** Whose answer was asked for. */
  for: z.string(),
  /** Who gave it; empty where nobody knows. */
  by: z.string(),
  at: Instant.nullable(),
  /** Null: it counts. */
  refused: z.enum(ANSWER_REFUSALS).nullable(),
});
export type JudgedAnswer = z.infer<typeof JudgedAnswer>;
