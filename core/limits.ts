import { z } from "zod";

const positive = z.int().positive();

/**
 * Every bound of the running system in one place. An admin may change some under `limits:` in interlock.yaml;
 * `relationsBroken` names those that cannot hold together.
 */
export const Limits = z.strictObject({
  /** Largest webhook body, in bytes. */
  bodyBytesMax: positive.default(1_048_576),
  /** Deepest nesting of a webhook body. */
  jsonDepthMax: positive.default(64),
  /** Most object keys in a webhook body. */
  jsonKeysMax: positive.default(10_000),
  /** Deliveries that may wait for a commit; more are answered 503. */
  intakeQueueMax: positive.default(5_000),
  /** Deliveries that share one commit. */
  intakeBatchMax: positive.default(256),
  /** How long a hint rests before its ticket is read, so that a burst costs one read. */
  settleMs: z.int().nonnegative().default(300),
  /** After a look at a ticket, further hints on it rest this long: a ticket that many hands edit costs a read per rest. */
  restMs: z.int().nonnegative().default(2_000),
  /** How long deliveries are remembered, to recognise them when they come again. */
  signalRetentionMs: positive.default(30 * 86_400_000),
  /** Tickets claimed at once. */
  claimMax: positive.default(100),
  /** Tickets in work at the same time, in all. */
  inFlightMax: positive.default(200),
  /** Reads of one connection whose tickets are in work at the same time: few, so that what was read is written while it is fresh. */
  batchesMax: positive.default(2),
  /** Tickets being written at the same time. */
  actingMax: positive.default(8),
  /** A claim that is not finished by then may be taken by another worker. */
  leaseMs: positive.default(120_000),
  /** How often a lease is renewed while its batch is in work, each time after a third of `leaseMs`. */
  leaseRenewalsMax: positive.default(30),
  /** How long the loop rests when nothing is due and nobody wakes it. */
  pollMs: positive.default(1_000),
  /** One call to a vendor, in all. */
  callTimeoutMs: positive.default(20_000),
  /** A record read longer ago than this is read again before it is written. */
  staleReadMs: z.int().nonnegative().default(10_000),
  /** After a call whose outcome is unknown: no second try before this, since the first may still be applied. */
  unknownOutcomeWaitMs: z.int().nonnegative().default(65_000),
  /** Tries of a ticket that fails for a reason of its own, before it is parked. */
  attemptsMax: positive.default(8),
  /** Tries of a ticket whose system is down or limits us, before it is parked (about a day at the longest delay). */
  outageAttemptsMax: positive.default(300),
  /** First and longest delay between tries; the delay is drawn between 0 and the bound that doubles every time. */
  retryBaseMs: positive.default(1_000),
  retryCapMs: positive.default(300_000),
  /** How long a stop waits for the tickets in work. */
  drainMs: positive.default(25_000),
  /** Writes of the same field of a ticket within `convergeWindowMs`, after which the ticket is parked. */
  convergeWritesMax: positive.default(5),
  convergeWindowMs: positive.default(600_000),
  /** Calls to one connection under way at once, and the shortest time between two starts. */
  callsAtOnceMax: positive.default(8),
  callSpacingMs: z.int().nonnegative().default(0),
  /** Of those places, how many bulk reads and sweeps leave to writes that people wait for; one is theirs in any case. */
  callsKeptMax: z.int().nonnegative().default(2),
  /** How often the answers to a request are looked for where no webhook tells of them: at first, and once it is old. */
  approvalPollMs: positive.default(60_000),
  approvalPollMaxMs: positive.default(600_000),
  /** How often a change that was just implemented is looked at: incidents on its item send no webhook of the change. */
  aftermathPollMs: positive.default(300_000),
  /** How often every record type is swept for changes that no webhook told of; each time up to a tenth sooner or later. */
  sweepEveryMs: positive.default(60_000),
  /** A sweep looks this far behind what it has seen: changes turn up late, and in Jira to the minute only. */
  sweepOverlapMs: positive.default(120_000),
  /** How far back the very first sweep of a record type looks. */
  sweepFirstMs: positive.default(3_600_000),
  /** Pages of one record type that a sweep reads before it leaves the rest to the next. */
  sweepPagesMax: positive.default(20),
  /** Actions that one revocation may undo; more are asked for in parts. */
  revokeActionsMax: positive.default(10_000),
  /** The ledger is signed after so many entries, or when the last time is so long ago and there is something new. */
  checkpointEntries: positive.default(1_000),
  checkpointMs: positive.default(60_000),
  /** Rows an API list answers with. */
  listMax: positive.default(500),
});
export type Limits = z.infer<typeof Limits>;

/** The relations that must hold between limits: one sentence for each that does not. */
export function relationsBroken(limits: Limits): string[] {
  const broken: string[] = [];
  // A worker must be able to finish a try (read, write, read back) inside its lease, or a healthy worker gets fenced.
  if (limits.leaseMs < limits.callTimeoutMs * 4) {
    broken.push(`leaseMs (${limits.leaseMs}) must be at least four times callTimeoutMs (${limits.callTimeoutMs})`);
  }
  if (limits.retryCapMs < limits.retryBaseMs) {
    broken.push(`retryCapMs (${limits.retryCapMs}) must not be below retryBaseMs (${limits.retryBaseMs})`);
  }
  if (limits.approvalPollMaxMs < limits.approvalPollMs) {
    broken.push(
      `approvalPollMaxMs (${limits.approvalPollMaxMs}) must not be below approvalPollMs (${limits.approvalPollMs})`,
    );
  }
  if (limits.claimMax > limits.inFlightMax) {
    broken.push(`claimMax (${limits.claimMax}) must not exceed inFlightMax (${limits.inFlightMax})`);
  }
  if (limits.intakeBatchMax > limits.intakeQueueMax) {
    broken.push(`intakeBatchMax (${limits.intakeBatchMax}) must not exceed intakeQueueMax (${limits.intakeQueueMax})`);
  }
  if (limits.sweepOverlapMs < SWEEP_OVERLAP_MIN_MS) {
    broken.push(
      `sweepOverlapMs (${limits.sweepOverlapMs}) must be at least ${SWEEP_OVERLAP_MIN_MS}: Jira finds edits by the minute, and some of them late`,
    );
  }
  if (limits.signalRetentionMs < limits.sweepOverlapMs + limits.sweepEveryMs * 3) {
    broken.push(
      `signalRetentionMs (${limits.signalRetentionMs}) must be at least sweepOverlapMs and three times sweepEveryMs (${limits.sweepOverlapMs + limits.sweepEveryMs * 3})`,
    );
  }
  return broken;
}

/** A minute, to which Jira's searches are exact, and half of one for its index to catch up. */
const SWEEP_OVERLAP_MIN_MS = 90_000;
