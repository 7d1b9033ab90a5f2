import { expect } from "chai";
import { backtest } from "../../../core/backtest/backtest.ts";
import { reportNotes } from "../../../core/backtest/lines.ts";
import type { Mapping } from "../../../core/mapping/mapping.ts";
import type { Archive, PastRecord, PastVersion } from "../../../core/ports.ts";
import { mappingWith } from "../support/mappings.ts";
import { liveSource, pastPolicy, statesOf } from "./past-rig.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 31);
const mapping: Mapping = mappingWith({
  status: "{ from: state, values: { new: new, resolved: resolved } }",
  assignmentGroup: "{ from: group, intake: [Desk] }",
  createdAt: "{ from: opened }",
  updatedAt: "{ from: at }",
});

const at = (hour: number): string => new Date(START_MS + hour * HOUR_MS).toISOString();

function version(hour: number, state: string, group: string, opened = 0): PastVersion {
  const record = { title: "secret words", state, group, opened: at(opened), at: at(hour) };
  return { atMs: START_MS + hour * HOUR_MS, revision: String(hour), record, untold: [] };
}

function record(key: string, versions: PastVersion[], id = key): PastRecord {
  return { type: "incident", id, key, versions };
}

/** An archive of these records, one a page, by record type. */
function archiveOf(records: Readonly<Record<string, readonly PastRecord[]>>): Archive & { pages: number } {
  const archive = {
    connection: "snow",
    pages: 0,
    opened: async () => undefined,
    async *past({ recordType, remark }: Parameters<Archive["past"]>[0]) {
      try {
        for (const each of records[recordType] ?? []) {
          archive.pages += 1;
          yield [each];
        }
      } finally {
        remark(`${recordType} was read.`);
      }
    },
  };
  return archive;
}

const live = (archive: Archive, types = ["incident"]) => ({
  archive,
  types: types.map((recordType) => ({ recordType, mapping })),
  sinceMs: START_MS,
  nowMs: START_MS + 100 * HOUR_MS,
});

describe("the history of a connection", () => {
  it("is its tickets' versions, mapped as in production", async () => {
    const archive = archiveOf({ incident: [record("A", [version(0, "new", "Desk"), version(2, "resolved", "One")])] });
    const { states, remarks } = await statesOf(live(archive));
    expect(states.map(({ id, atMs, free, ticket }) => [id, atMs, free, ticket.status, ticket.revision])).to.deep.equal([
      ["A", START_MS, true, "new", "0"],
      ["A", START_MS + 2 * HOUR_MS, false, "resolved", "2"],
    ]);
    expect(states[0]?.ticket.ref).to.deep.equal({ connection: "snow", type: "incident", id: "A", key: "A" });
    expect(remarks).to.deep.equal(["incident was read."]);
  });

  it("lets clocks of open tickets run to the hour at which it was read, not to the last edit", async () => {
    const archive = archiveOf({ incident: [record("A", [version(0, "new", "Desk")])] });
    const report = await backtest(liveSource(live(archive)), [pastPolicy([mapping])]);
    expect(report.history.to).to.equal(at(100));
    expect(report.policies[0]?.sla).to.include({ clocks: 1, missed: 1, told50: 1 });
  });

  it("stops at the bound, reads no further, and says what was left out", async () => {
    const many = Array.from({ length: 5 }, (_, n) => record(`A${n}`, [version(n, "new", "Desk", n)]));
    const archive = archiveOf({ incident: many, change: [record("C", [version(0, "new", "Desk")])] });
    const { states, remarks } = await statesOf({ ...live(archive, ["incident", "change"]), most: 2 });
    expect(states.map(({ id }) => id)).to.deep.equal(["A0", "A1"]);
    expect(archive.pages).to.equal(3);
    expect(remarks).to.deep.equal([
      `No more than 2 tickets were read (--most): of incident what was opened after ${at(1)} and all of change is left out.`,
      "incident was read.",
    ]);
  });

  it("is whole where the bound is just met", async () => {
    const archive = archiveOf({ incident: [record("A", [version(0, "new", "Desk")])], change: [] });
    const { remarks } = await statesOf({ ...live(archive, ["incident", "change"]), most: 1 });
    expect(remarks.join()).to.not.include("--most");
  });

  it("leaves a ticket out whose opening cannot be told, and passes over a later state that cannot", async () => {
    const gone = { ...version(0, "new", "?"), untold: [{ path: "group", why: "is gone" }] };
    const archive = archiveOf({
      incident: [
        record("A", [gone, version(2, "resolved", "One")]),
        record("B", [version(0, "new", "Desk"), { ...gone, atMs: START_MS + HOUR_MS }, version(2, "resolved", "One")]),
        record("C", [version(0, "parked", "Desk"), version(2, "resolved", "One")]),
      ],
    });
    const source = liveSource(live(archive));
    const report = await backtest(source, [pastPolicy([mapping])]);
    expect(report.history).to.include({ source: "snow", tickets: 1, known: 1, rows: 5 });
    expect(report.history.unreadable).to.deep.equal({
      rows: 3,
      byReason: {
        "group: is gone (as opened: the ticket is left out)": 1,
        "group: is gone": 1,
        "status: parked (as opened: the ticket is left out)": 1,
      },
    });
    expect(reportNotes(report).join("\n")).to.include("incident was read.").and.to.not.include("secret words");
  });

  it("keeps tickets apart that share a number", async () => {
    const records = [record("A", [version(0, "new", "Desk")], "1"), record("A", [version(1, "new", "Desk", 1)], "2")];
    const { states } = await statesOf(live(archiveOf({ incident: records })));
    expect(states.map(({ id }) => id)).to.deep.equal(["A", "A (2)"]);
  });

  it("tells of every ticket that was read", async () => {
    let read = 0;
    const onRead = (): void => {
      read += 1;
    };
    const records = [record("A", [version(0, "new", "Desk")]), record("B", [version(0, "parked", "Desk")])];
    await statesOf({ ...live(archiveOf({ incident: records })), onRead });
    expect(read).to.equal(2);
  });
});
