import { ConnectorError, type FaultKind } from "../../../core/errors.ts";
import type { ChangedPage, ChangedRecord, ChangeFeed } from "../../../core/ports.ts";

/** A system of record with a list of changes and an identity, both to be changed by a test. */
export interface FakeFeed extends ChangeFeed {
  records: ChangedRecord[];
  pageSize: number;
  instance: string | FaultKind;
  /** Every call fails like this while it is set. */
  fault: FaultKind | undefined;
  /** What was asked: `incident since after`. */
  asked: { recordType: string; sinceMs: number; after: string | undefined }[];
  identitiesAsked: number;
}

const KINDS: readonly string[] = ["auth", "rejected", "unavailable", "protocol", "rate_limited"];

export function fakeFeed(connection = "snow"): FakeFeed {
  const fail = (kind: FaultKind): never => {
    throw new ConnectorError({ kind, connection, message: `${connection} said ${kind}` });
  };
  const feed: FakeFeed = {
    connection,
    records: [],
    pageSize: 10,
    instance: "instance-1",
    fault: undefined,
    asked: [],
    identitiesAsked: 0,
    async changed(recordType, sinceMs, after): Promise<ChangedPage> {
      feed.asked.push({ recordType, sinceMs, after });
      if (feed.fault) fail(feed.fault);
      const found = feed.records
        .filter(({ type, updatedAtMs }) => type === recordType && updatedAtMs >= sinceMs)
        .sort((a, b) => a.updatedAtMs - b.updatedAtMs);
      const start = Number(after ?? 0);
      const end = start + feed.pageSize;
      return { records: found.slice(start, end), next: end < found.length ? String(end) : undefined };
    },
    async identity() {
      feed.identitiesAsked += 1;
      if (KINDS.includes(feed.instance)) fail(feed.instance as FaultKind); // one of KINDS
      return feed.instance;
    },
  };
  return feed;
}

export function edited(id: string, updatedAtMs: number, revision = "1", type = "incident"): ChangedRecord {
  return { type, id, key: `KEY-${id}`, revision, updatedAtMs };
}
