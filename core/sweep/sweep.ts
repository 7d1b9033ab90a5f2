import { instant } from "../clock.ts";
import { ConnectorError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { ChangedPage, ChangedRecord, ChangeFeed, Meter } from "../ports.ts";
import type { NewSignal, Store, SweptChange } from "../store/store.ts";
import { ticketId } from "../ticket.ts";
import { judge } from "./judge.ts";
import { advanced, firstMark, Mark, type Sweeping, sinceOf } from "./mark.ts";

/** What one sweep of one record type found. */
export interface SweepRun {
  connection: string;
  recordType: string;
  /** From where it looked, by the vendor's clock. */
  sinceMs: number;
  pages: number;
  /** Changes that it was shown and that no sweep had seen before. */
  changed: number;
  /** Those of them that needed a signal. */
  signalled: number;
  /** False where the rest is left to the next sweep. */
  complete: boolean;
  /** Its record type was never swept before. */
  first: boolean;
}

export interface SweepTypeDeps {
  store: Pick<Store, "accept" | "append" | "sightings" | "recordSwept" | "sweepMark">;
  clock: { now(): number };
  meter: Meter;
  limits: Limits;
  /** Something is due. */
  wake: () => void;
  /** Ends a sweep after its page. */
  stopping: () => boolean;
}

/**
 * Sweeps one record type from where the last sweep ended. What was found is durable before the mark moves, in the same
 * order page by page, so a sweep that ends half way costs only what the next one reads again. Rejects with the
 * connector's ConnectorError, or with StoreUnavailableError.
 */
export async function sweepType(deps: SweepTypeDeps, feed: ChangeFeed, recordType: string): Promise<SweepRun> {
  const { store, clock, limits } = deps;
  const { connection } = feed;
  const stored = await store.sweepMark(connection, recordType);
  const beganAtMs = clock.now();
  let mark = stored === undefined ? firstMark(beganAtMs, limits) : Mark.parse(JSON.parse(stored));
  const resumed = mark.resume !== undefined;
  const sweeping: Sweeping = { sinceMs: sinceOf(mark, limits), beganAtMs, whole: !resumed };
  const run: SweepRun = {
    ...{ connection, recordType, sinceMs: sweeping.sinceMs, pages: 0, changed: 0, signalled: 0 },
    ...{ complete: false, first: stored === undefined },
  };
  while (!run.complete && run.pages < limits.sweepPagesMax && !deps.stopping()) {
    const page = await nextPage(deps, feed, recordType, mark, sweeping.sinceMs);
    run.pages += 1;
    mark = await takeIn(deps, run, page, (nowMs) => advanced(mark, page, sweeping, nowMs, limits));
    run.complete = page.next === undefined;
  }
  if (run.signalled > 0 || (run.complete && (run.first || resumed))) await record(deps, run);
  return run;
}

/** A token that its vendor does not know any more is forgotten: the next sweep begins where the last one ended. */
async function nextPage(
  { store }: SweepTypeDeps,
  feed: ChangeFeed,
  recordType: string,
  { resume, ...mark }: Mark,
  sinceMs: number,
): Promise<ChangedPage> {
  try {
    return await feed.changed(recordType, sinceMs, resume?.after);
  } catch (error) {
    const gone = error instanceof ConnectorError && (error.kind === "rejected" || error.kind === "protocol");
    if (gone && resume)
      await store.recordSwept([], { connection: feed.connection, recordType, value: JSON.stringify(mark) });
    throw error;
  }
}

/** Signals what needs it, then records the page and the mark behind it. */
async function takeIn(
  { store, clock, meter, limits, wake }: SweepTypeDeps,
  run: SweepRun,
  page: ChangedPage,
  markAt: (nowMs: number) => Mark,
): Promise<Mark> {
  const { connection, recordType } = run;
  const records = latestOfEach(connection, page.records);
  const sightings = await store.sightings(
    records.map(({ type, id, revision, updatedAtMs }) => {
      return { ticket: ticketId({ connection, type, id }), revision, updatedAtMs };
    }),
    limits.unknownOutcomeWaitMs,
  );
  const nowMs = clock.now();
  const signals: NewSignal[] = [];
  const changes = records.flatMap((each, index) => {
    const sighting = sightings[index];
    if (!sighting) throw new Error("the store answered for fewer records than it was given");
    const { change, deliveryId } = judge(connection, each, sighting, nowMs);
    if (deliveryId !== undefined) signals.push(signalOf(connection, each, deliveryId, nowMs));
    if (sighting.before === undefined) {
      run.changed += 1;
      meter.count("interlock_sweep_found_total", { connection, type: recordType, by: change.foundBy });
    }
    return sighting.before && nothingNew(sighting.before, change) ? [] : [change];
  });
  for (let start = 0; start < signals.length; start += limits.intakeBatchMax) {
    const outcomes = await store.accept(signals.slice(start, start + limits.intakeBatchMax), limits.settleMs);
    run.signalled += outcomes.filter((outcome) => outcome === "accepted").length;
  }
  if (signals.length > 0) wake();
  const mark = markAt(nowMs);
  await store.recordSwept(changes, { connection, recordType, value: JSON.stringify(mark) });
  return mark;
}

/** What an earlier sweep recorded is not written again with every sweep that is shown it. */
function nothingNew(before: SweptChange, change: SweptChange): boolean {
  return (["foundBy", "webhookAtMs", "signals", "nearOwnWrite"] as const).every(
    (field) => before[field] === change[field],
  );
}

/** A record that was edited while it was paged through may stand there twice. */
function latestOfEach(connection: string, records: readonly ChangedRecord[]): ChangedRecord[] {
  const latest = new Map<string, ChangedRecord>();
  for (const record of records) {
    const ticket = ticketId({ connection, type: record.type, id: record.id });
    const other = latest.get(ticket);
    if (!other || other.updatedAtMs <= record.updatedAtMs) latest.set(ticket, record);
  }
  return [...latest.values()];
}

function signalOf(connection: string, record: ChangedRecord, deliveryId: string, receivedAtMs: number): NewSignal {
  const target = { type: record.type, recordId: record.id, recordKey: record.key };
  return { connection, cause: "sweep", deliveryId, bodyDigest: null, receivedAtMs, target };
}

async function record({ store }: SweepTypeDeps, run: SweepRun): Promise<void> {
  const { connection, recordType, sinceMs, changed, signalled, complete } = run;
  const body = { connection, recordType, since: instant(sinceMs), changed, signalled, complete };
  await store.append([{ kind: "sweep", ticket: null, body }]);
}
