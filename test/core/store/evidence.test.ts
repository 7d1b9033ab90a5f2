import { expect } from "chai";
import { sql } from "kysely";
import { seal } from "../../../core/ledger/chain.ts";
import { verifyLedger } from "../../../core/ledger/verify.ts";
import { ledgerOf } from "../../../core/store/ledger-source.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { DRAFTS, PARKED } from "../ledger/drafts.ts";

/** What a version without salts and without a tree has left behind: its schema and its entries. */
async function asBefore(rig: SqliteRig): Promise<void> {
  const { db } = rig.driver;
  for (const entry of seal(undefined, DRAFTS, rig.now(), () => null)) {
    const { salt: _, commitment: __, ...row } = entry;
    await db.insertInto("ledger").values(row).execute();
  }
  for (const statement of [
    // Of later versions.
    ...["revocations", "revoked", "modes", "checks"].map((table) => `drop table if exists ${table}`),
    "drop table checkpoints",
    "drop table ledger_nodes",
    "alter table ledger drop column salt",
    "alter table ledger drop column commitment",
    "delete from kysely_migration where name >= '0006_evidence'",
  ])
    await sql.raw(statement).execute(db);
}

describe("A store of before there was a tree", () => {
  let rig: SqliteRig;
  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
    await asBefore(rig);
    await rig.reopen();
  });
  afterEach(() => rig.close());

  it("still verifies, and its entries are in the tree that is signed from now on", async () => {
    const verified = () => verifyLedger(ledgerOf(rig.store), { witnesses: [] });
    expect(await verified()).to.include({ ok: true, entries: DRAFTS.length });
    await rig.store.append([PARKED]);
    const verdict = await verified();
    expect(verdict).to.include({ ok: true, entries: DRAFTS.length + 1 });
    expect(await rig.store.treeHead()).to.include({ size: DRAFTS.length + 1, root: "root" in verdict && verdict.root });
    const salts = (await rig.store.entries(0, 100)).map(({ salt }) => salt !== null);
    expect(salts).to.deep.equal([...DRAFTS.map(() => false), true]);
  });

  it("keeps the bodies that it has: without a salt their hashes would show what they said", async () => {
    const later = rig.now() + 60_000;
    const unsalted = DRAFTS.length - 2;
    await rig.store.append([PARKED]);
    const pruned = await rig.store.drop({ by: "a", dryRun: false, beforeMs: later, kinds: [] });
    expect(pruned).to.deep.include({ bodies: 1, unsalted });
    expect(await rig.store.drop({ by: "a", dryRun: false, person: "ann" })).to.deep.include({
      ...{ bodies: 0, unsalted: DRAFTS.filter(({ body }) => JSON.stringify(body).includes('"ann"')).length },
    });
    expect(await verifyLedger(ledgerOf(rig.store), { witnesses: [] })).to.include({ ok: true, dropped: 1 });
  });
});
