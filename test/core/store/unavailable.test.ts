import { execFileSync } from "node:child_process";
import { expect } from "chai";
import { sql } from "kysely";
import { StoreUnavailableError } from "../../../core/errors.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { claimed, decidedSettlement, hints, rejection, type StoreRig, verified } from "../../contract/store-rig.ts";
import { openElsewhere, type StoreProcess } from "./store-process.ts";

const FULL = 13;
const READONLY = 8;

/** The number of SQLite's own error behind ours; fails the test when ours is not the one that means "come back". */
async function errcode(call: Promise<unknown>): Promise<number> {
  const error = await rejection(call);
  expect(error).to.be.instanceOf(StoreUnavailableError);
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number"))
    throw new Error(`not SQLite's: ${String(cause)}`);
  return cause.errcode & 0xff;
}

describe("SQLite store: not writable", () => {
  let rig: SqliteRig;
  beforeEach(async () => {
    rig = await openSqliteRig();
    await rig.store.accept(hints(100, "before-"), 0);
  });
  afterEach(() => rig.close());

  const set = (pragma: string): Promise<unknown> => sql.raw(`pragma ${pragma}`).execute(rig.driver.db);

  /** Lets the file grow by so many pages only. */
  async function leaveRoomFor(pages: number): Promise<void> {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(rig.driver.db);
    await set(`max_page_count = ${(rows[0]?.page_count ?? 0) + pages}`);
  }

  it("says so when the file is full, keeps nothing of the batch, and goes on when there is room again", async () => {
    await leaveRoomFor(1);
    const before = await rig.dump();
    expect(await errcode(rig.store.accept(hints(500, "full-"), 0))).to.equal(FULL);
    expect(await errcode(rig.store.accept(hints(500, "full-"), 0))).to.equal(FULL);
    expect(await rig.dump()).to.deep.equal(before);
    await set("max_page_count = 1000000");
    expect(new Set(await rig.store.accept(hints(500, "after-"), 0))).to.deep.equal(new Set(["accepted"]));
    await rig.store.ping();
    expect(await verified(rig.store)).to.include({ ok: true, entries: 600 });
  });

  it("says so when a settlement finds the file full, and the claim still holds afterwards", async () => {
    const claim = (await rig.store.claim("worker-1", 1, 60_000))[0] ?? (await claimed(rig.store));
    await leaveRoomFor(1);
    const before = await rig.dump();
    const large = decidedSettlement(claim.ticket, { recordKey: "k".repeat(40_000) });
    expect(await errcode(rig.store.settle(claim, large))).to.equal(FULL);
    expect(await rig.dump()).to.deep.equal(before);
    await set("max_page_count = 1000000");
    expect(await rig.store.settle(claim, large)).to.equal(true);
  });

  it("says so when it may not write at all, with a ping as with a batch, and goes on when it may", async () => {
    await set("query_only = 1");
    expect(await errcode(rig.store.ping())).to.equal(READONLY);
    expect(await errcode(rig.store.accept(hints(1, "readonly-"), 0))).to.equal(READONLY);
    expect(await errcode(rig.store.append([]).then(() => rig.store.setWatermark("snow", "incident", "x")))).to.equal(
      READONLY,
    );
    expect(await rig.store.counts()).to.include({ signals: 100 });
    await set("query_only = 0");
    await rig.store.ping();
    expect(await rig.store.accept(hints(1, "after-"), 0)).to.deep.equal(["accepted"]);
  });
});

describe("SQLite store: a disk that takes no more bytes", () => {
  let rig: StoreRig & { file: string };
  let other: StoreProcess | undefined;
  before(function () {
    try {
      execFileSync("prlimit", ["--version"], { stdio: "ignore" });
    } catch {
      if (process.env["CI"]) throw new Error("prlimit is missing; install it: apt-get install util-linux");
      process.stdout.write("    not tested: no prlimit on this machine (Linux, package util-linux)\n");
      this.skip();
    }
  });
  beforeEach(async () => {
    rig = await openSqliteRig();
  });
  afterEach(async () => {
    await other?.kill();
    await rig.close();
  });

  it("says so when the commit itself cannot be written, and goes on when it can", async () => {
    other = await openElsewhere(`${rig.file}-limited`);
    const { pid } = other;
    const limit = (bytes: string): unknown =>
      execFileSync("prlimit", ["--pid", `${pid}`, `--fsize=${bytes}:unlimited`]);
    expect(await other.ask("before")).to.equal("200");
    limit("4096");
    expect(await other.ask("during")).to.equal("StoreUnavailableError");
    expect(await other.ask("ping")).to.equal("StoreUnavailableError");
    limit("unlimited");
    expect(await other.ask("ping")).to.equal("done");
    expect(await other.ask("during")).to.equal("200");
  });
});
