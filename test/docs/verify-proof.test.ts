import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import fc from "fast-check";
import { BUNDLE_FORMAT, bundleText } from "../../core/ledger/bundle.ts";
import { commitmentTo } from "../../core/ledger/chain.ts";
import { entryLeaf, inclusionParts, rootOver } from "../../core/ledger/merkle.ts";
import { DRAFTS } from "../core/ledger/drafts.ts";
import { checkpointOf, keyDraft, newSigner, sealed } from "../core/ledger/ledgers.ts";

const SCRIPT = fileURLToPath(new URL("../../docs/verify-proof.mjs", import.meta.url));

/** A bundle over entries of every kind, one of them without its body. */
function bundle(): string {
  const signer = newSigner();
  const entries = sealed([keyDraft(signer), ...DRAFTS, ...DRAFTS]);
  const leaves = entries.map(({ hash }) => entryLeaf(hash));
  const proven = entries.slice(2, 8).map((entry, n) => ({
    entry: n === 3 ? { ...entry, body: "", salt: null, commitment: commitmentTo(entry.salt ?? "", entry.body) } : entry,
    path: inclusionParts(entry.seq - 1, entries.length).map(({ begin, end }) =>
      rootOver(leaves.slice(begin, end)).toString("hex"),
    ),
  }));
  const checkpoint = checkpointOf(entries, entries.length, signer);
  return bundleText({ format: BUNDLE_FORMAT, publicKey: signer.publicKey, checkpoint, entries: proven });
}

describe("docs/verify-proof.mjs", function (this: Mocha.Suite) {
  this.timeout(120_000);
  let folder: string;
  let written = 0;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "interlock-bundle-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function verified(bytes: Uint8Array | string): Promise<{ code: number | null; said: string }> {
    written += 1;
    const path = join(folder, `${written}.json`);
    writeFileSync(path, bytes);
    return new Promise((resolve) => {
      const child = execFile(process.execPath, [SCRIPT, path], (_, stdout, stderr) => {
        rmSync(path);
        resolve({ code: child.exitCode, said: stdout + stderr });
      });
    });
  }

  it("has at most a hundred lines and imports nothing but Node", () => {
    const text = readFileSync(SCRIPT, "utf8");
    expect(text.split("\n").length).to.be.at.most(101);
    for (const [, from] of text.matchAll(/^import .* from "(.*)";$/gm)) expect(from).to.match(/^node:/);
  });

  it("takes what the ledger wrote", async () => {
    const { code, said } = await verified(bundle());
    expect([code, said.startsWith("Holds: 6 entries stood in interlock-")], said).to.deep.equal([0, true]);
  });

  it("takes no bundle of which any one byte was changed (property)", async () => {
    const good = Buffer.from(bundle());
    const change = fc.record({ at: fc.nat({ max: good.length - 1 }), by: fc.integer({ min: 1, max: 255 }) });
    // A process for each: many at a time, and no shrinking, which would start them one after the other.
    const changes = fc.sample(change, 200);
    for (let from = 0; from < changes.length; from += 10) {
      const ended = await Promise.all(
        changes.slice(from, from + 10).map(async ({ at, by }) => {
          const bad = Buffer.from(good);
          bad[at] = (bad[at] ?? 0) ^ by;
          return { at, by, ...(await verified(bad)) };
        }),
      );
      for (const { at, by, code, said } of ended) {
        expect(code, `byte ${at} ^ ${by}: ${said}`).to.equal(1);
        expect(said).to.match(/^Does NOT hold: /);
      }
    }
  });

  it("takes none that is cut short, empty, longer, or with an entry of another place", async () => {
    const good = bundle();
    const parsed = JSON.parse(good) as { entries: { entry: { seq: number }; path: string[] }[] }; // our own output
    const moved = structuredClone(parsed);
    for (const { entry } of moved.entries) entry.seq += 1;
    const none = { ...parsed, entries: [] };
    const longer = { ...parsed, more: 1 };
    const bad = [good.slice(0, -20), good.slice(0, -1), `${good}\n`, "", "{}\n", "null\n"];
    for (const text of [...bad, ...[moved, none, longer].map((each) => `${JSON.stringify(each)}\n`)])
      expect((await verified(text)).code, text.slice(0, 60)).to.equal(1);
  });
});
