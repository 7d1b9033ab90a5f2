import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { sql } from "kysely";
import { StoreUnavailableError } from "../../../core/errors.ts";
import type { StoreDriver } from "../../../core/store/driver.ts";
import { openStore, storeOver } from "../../../core/store/sql-store.ts";
import { openSqlite } from "../../../core/store/sqlite.ts";
import { openSqliteRig, type SqliteRig, stoppedClock } from "../../contract/sqlite-rig.ts";
import { claimed, claimOne, HOUR, hint, LEASE, rejection, verified } from "../../contract/store-rig.ts";
import { openElsewhere, type StoreProcess } from "./store-process.ts";

const clock = stoppedClock();

/** What a call threw; fails the test when it did not. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("expected a refusal");
}

async function pragma(driver: StoreDriver, name: string): Promise<unknown> {
  const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${name}`).execute(driver.db);
  return rows[0]?.[name];
}

describe("SQLite store: opening", () => {
  let rig: SqliteRig;
  beforeEach(async () => {
    rig = await openSqliteRig();
  });
  afterEach(() => rig.close());

  it("is durable: a write-ahead log that is synced at every commit", async () => {
    expect(await pragma(rig.driver, "journal_mode")).to.equal("wal");
    expect(await pragma(rig.driver, "synchronous")).to.equal(2);
    expect(await pragma(rig.driver, "foreign_keys")).to.equal(1);
  });

  it("makes the folders that lead to the file", async () => {
    const file = join(`${rig.file}-folder`, "a", "b", "interlock.db");
    const store = await openStore(openSqlite(file, { clock }));
    await store.close();
    expect(existsSync(file)).to.equal(true);
  });

  it("frees the leases that a dead process left, and counts each as a try", async () => {
    const claim = await claimed(rig.store, "leased");
    await rig.store.accept([hint("due")], HOUR);
    await rig.reopen();
    expect(await rig.store.counts()).to.include({ leased: 0, pending: 2 });
    expect(await claimOne(rig.store)).to.deep.include({ recordId: "leased", attempts: 1, fence: claim.fence + 1 });
    rig.advance(HOUR);
    expect(await rig.store.claim("worker-1", 1, LEASE)).to.have.length(1);
    expect(await rig.store.finish(claim)).to.equal(false);
  });

  it("refuses a store that a newer version has written, changes nothing in it, and lets go of it", async () => {
    const file = `${rig.file}-newer`;
    const driver = openSqlite(file, { clock });
    await (await openStore(driver)).accept([hint("r1")], 0);
    await sql`insert into kysely_migration (name, timestamp) values ('0099_future', '2030-01-01')`.execute(driver.db);
    await driver.close();
    for (let tries = 0; tries < 2; tries += 1) {
      const error = await rejection(openStore(openSqlite(file, { clock })));
      expect(String(error)).to.match(/written by a newer version \(it has 0099_future\).*restore a backup/);
    }
    const view = storeOver(openSqlite(file, { clock, readOnly: true }));
    expect(await view.counts()).to.include({ signals: 1, pending: 1 });
    await view.close();
  });
});

describe("SQLite store: on a network file system", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "interlock-net-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  // statfs(2), once as the unsigned number and once as a platform that answers with a signed one gives it.
  const TYPES: Record<string, number[]> = {
    NFS: [0x6969],
    SMB: [0x517b],
    CIFS: [0xff534d42, 0xff534d42 | 0],
    SMB2: [0xfe534d42],
  };
  for (const [name, types] of Object.entries(TYPES)) {
    it(`is refused on ${name}`, () => {
      for (const type of types) {
        const file = join(folder, "interlock.db");
        const message = refusal(() => openSqlite(file, { clock, fileSystemType: () => type }));
        expect(message).to.include(`network file system (${name})`).and.to.include("postgres://").and.to.include(file);
        expect(existsSync(file)).to.equal(false);
      }
    });
  }

  it("is taken on a local one", async () => {
    const driver = openSqlite(join(folder, "local.db"), { clock, fileSystemType: () => 0xef53 });
    await driver.close();
  });
});

describe("SQLite store: one process", () => {
  let rig: SqliteRig;
  let other: StoreProcess | undefined;
  beforeEach(async () => {
    rig = await openSqliteRig();
  });
  afterEach(async () => {
    await other?.kill();
    other = undefined;
    await rig.close();
  });

  it("refuses a second opener and names the first, in the same process", () => {
    const message = refusal(() => openSqlite(rig.file, { clock }));
    expect(message).to.include(`in use by process ${process.pid} on ${hostname()} since 2026-01-05T09:00:00.000Z`);
    expect(message).to.include("postgres://");
  });

  it("refuses as often as it is asked, and lets the next one in after a close", async () => {
    refusal(() => openSqlite(rig.file, { clock }));
    refusal(() => openSqlite(rig.file, { clock }));
    await rig.reopen();
    expect(await rig.store.accept([hint("r1")], 0)).to.deep.equal(["accepted"]);
  });

  it("refuses across processes, and lets the next one in after the first was killed", async () => {
    const file = `${rig.file}-shared`;
    other = await openElsewhere(file);
    expect(await other.ask("before")).to.equal("200");
    const message = refusal(() => openSqlite(file, { clock }));
    expect(message).to.include(`in use by process ${other.pid} on ${hostname()}`);
    await other.kill();
    const store = await openStore(openSqlite(file, { clock }));
    expect(await store.counts()).to.include({ signals: 200, pending: 200 });
    expect(await verified(store)).to.include({ ok: true, entries: 200 });
    await store.close();
  });

  it("can be looked at while another process holds it, and not be written", async () => {
    const file = `${rig.file}-shared`;
    other = await openElsewhere(file);
    await other.ask("before");
    const view = storeOver(openSqlite(file, { clock, readOnly: true }));
    expect(await view.counts()).to.include({ signals: 200, pending: 200, ledger: 200 });
    expect(await verified(view)).to.include({ ok: true, entries: 200 });
    expect(await view.view("snow", "before-7")).to.include({ ticket: "snow/incident/before-7" });
    expect(await rejection(view.ping())).to.be.instanceOf(StoreUnavailableError);
    expect(await other.ask("after")).to.equal("200");
    expect(await view.counts()).to.include({ signals: 400 });
    await view.close();
  });

  it("cannot be looked at where there is none", () => {
    const file = `${rig.file}-nowhere`;
    refusal(() => openSqlite(file, { clock, readOnly: true }));
    expect(existsSync(file)).to.equal(false);
  });
});
