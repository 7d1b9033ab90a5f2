import { execFile } from "node:child_process";
import { createPublicKey } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type Checkpoint, verifierFrom, witnessLine } from "../../core/ledger/checkpoint.ts";
import { send } from "../routes/client.ts";
import { writeConfigFolder } from "../support/config-folder.ts";
import { ADMIN_TOKEN, startRig } from "../support/rig.ts";
import { type Ended, run } from "./command.ts";

const SCRIPT = fileURLToPath(new URL("../../docs/verify-proof.mjs", import.meta.url));
const BY = { by: "5b10-abel" };
/** After which no entry of these tests was written. */
const LATER = "2999-01-01";

interface Script {
  code: number;
  stdout: string;
}

function verifyProof(...args: string[]): Promise<Script> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [SCRIPT, ...args], (_, stdout) =>
      resolve({ code: child.exitCode ?? -1, stdout }),
    );
  });
}

describe("The ledger as evidence", function (this: Mocha.Suite) {
  this.timeout(120_000);
  let folder: string;
  let ticket: string;
  let copies = 0;
  const at = (name: string): string => join(folder, name);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "interlock-evidence-"));
    // Two runs of a server, with a backup between them.
    const rig = await startRig({ store: `file:${at("worked-on.db")}` });
    const first = rig.jira.create("OPS", { summary: "VPN is down", issuetype: "Incident" }, BY);
    await rig.settled();
    await rig.close();
    copyFileSync(at("worked-on.db"), at("backup.db"));
    const again = await startRig({ store: `file:${at("worked-on.db")}` });
    again.jira.create("OPS", { summary: "VPN is down again", issuetype: "Incident" }, BY);
    await again.settled();
    await again.close();
    ticket = `jira/${first.key}`;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  interface Over {
    change?: (db: DatabaseSync) => void;
    /** The database to work over; `worked-on.db` where it is absent. */
    database?: string;
    /** Leave away the checkpoints that the server wrote beside its store. */
    alone?: boolean;
  }

  function over(
    args: readonly string[],
    { change, database = "worked-on.db", alone = false }: Over = {},
  ): Promise<Ended> {
    copies += 1;
    const own = at(`copy-${copies}`);
    mkdirSync(own);
    const { config, mappings } = writeConfigFolder(own, {
      snowUrl: "http://127.0.0.1:9",
      jiraUrl: "http://127.0.0.1:9",
    });
    copyFileSync(at(database), join(own, "interlock.db"));
    if (!alone) copyFileSync(at("worked-on.db.checkpoints"), join(own, "interlock.db.checkpoints"));
    if (change) {
      const db = new DatabaseSync(join(own, "interlock.db"));
      change(db);
      db.close();
    }
    return run([...args, "--config", config, "--mappings", mappings]);
  }

  const checkpoints = (): Checkpoint[] =>
    readFileSync(at("worked-on.db.checkpoints"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Checkpoint); // our own output
  const lastCheckpoint = (): Checkpoint => {
    const last = checkpoints().at(-1);
    if (!last) throw new Error("the server has signed nothing");
    return last;
  };
  /** The public key as an operator hands it out. */
  function publicKey(): string {
    const path = at("public.pem");
    writeFileSync(path, createPublicKey(readFileSync(at("worked-on.db.key"))).export({ type: "spki", format: "pem" }));
    return path;
  }

  it("is signed by a server with a key of its own, which only it may read, up to its last entry", () => {
    expect(statSync(at("worked-on.db.key")).mode & 0o777).to.equal(0o600);
    expect(checkpoints().length).to.be.above(1);
    const db = new DatabaseSync(at("worked-on.db"));
    expect(
      db.prepare("select max(seq) as seq, max(kind) filter (where seq = 2) as second from ledger").get(),
    ).to.deep.include({
      ...{ seq: lastCheckpoint().size, second: "key" },
    });
    db.close();
    expect(verifierFrom(readFileSync(publicKey(), "utf8"))?.verifies(lastCheckpoint())).to.equal(true);
  });

  it("verifies against its key, the file beside it and the line of a note", async () => {
    const witness = witnessLine(lastCheckpoint());
    const [all, alone, json] = await Promise.all([
      over(["ledger", "verify", "--key", publicKey(), "--witness", witness]),
      over(["ledger", "verify"], { alone: true }),
      over(["ledger", "verify", "--json", "--key", publicKey()]),
    ]);
    expect([all.code, alone.code, json.code]).to.deep.equal([0, 0, 0]);
    const { keyId, root, size } = lastCheckpoint();
    expect(all.stdout)
      .to.contain(`The ledger holds: ${size} entries, head `)
      .and.to.contain("signed by the key that was given");
    expect(all.stdout).to.contain(`${checkpoints().length + 1} witnesses agree.`);
    expect(alone.stdout).to.contain("signed by keys that the ledger itself names").and.not.to.contain("witness");
    expect(JSON.parse(json.stdout)).to.include({
      ok: true,
      entries: size,
      root,
      unsigned: 0,
      dropped: 0,
      anchored: true,
    });
    expect(JSON.parse(json.stdout)).to.deep.include({ keys: [keyId] });
  });

  it("that was rolled back to a backup is found by the file beside it, or by the line of a note", async () => {
    const [beside, alone, noted] = await Promise.all([
      over(["ledger", "verify"], { database: "backup.db" }),
      over(["ledger", "verify"], { database: "backup.db", alone: true }),
      over(["ledger", "verify", "--witness", witnessLine(lastCheckpoint())], { database: "backup.db", alone: true }),
    ]);
    expect([beside.code, alone.code, noted.code]).to.deep.equal([1, 0, 1]);
    for (const { stdout } of [beside, noted])
      expect(stdout).to.match(/broken at entry \d+: the ledger ends at \d+, and a witness knows of \d+ entries/);
  });

  it("whose tail was cut off, with its checkpoints, is found likewise", async () => {
    const cut = (db: DatabaseSync): void =>
      db.exec("delete from ledger where seq > 5; delete from checkpoints where size > 5; delete from ledger_nodes");
    const [beside, alone] = await Promise.all([
      over(["ledger", "verify"], { change: cut }),
      over(["ledger", "verify"], { change: cut, alone: true }),
    ]);
    expect([beside.code, alone.code]).to.deep.equal([1, 0]);
    expect(beside.stdout).to.contain("broken at entry 6:");
  });

  it("that another server wrote in its place is found by key, file and note", async () => {
    const rig = await startRig({ store: `file:${at("other.db")}` });
    await rig.close();
    const other = { database: "other.db" };
    const ended = await Promise.all([
      over(["ledger", "verify", "--key", publicKey()], { ...other, alone: true }),
      over(["ledger", "verify"], other),
      over(["ledger", "verify", "--witness", witnessLine(lastCheckpoint())], { ...other, alone: true }),
    ]);
    expect(ended.map(({ code }) => code)).to.deep.equal([1, 1, 1]);
    expect(ended[1].stdout).to.contain("is of the ledger interlock-");
  });

  it("is wrong usage where a witness, a key or a file is none", async () => {
    const ended = await Promise.all([
      over(["ledger", "verify", "--witness", "ledger x"]),
      over(["ledger", "verify", "--key", at("none.pem")]),
      over(["ledger", "verify", "--file", at("none.ndjson")]),
      over(["ledger", "prove", "--out", at("x.json")]),
      over(["ledger", "export", "--since", "yesterday", "--out", at("x")]),
      over(["ledger", "report", "--from", "2026-02-01", "--to", "2026-01-01"]),
      over(["ledger", "prune", "--before", "2026-01-01", "--kind", "rumour"]),
      over(["ledger", "erase", "--person", " "]),
    ]);
    for (const { code, stderr } of ended)
      expect([code, stderr.startsWith("interlock: ")], stderr).to.deep.equal([2, true]);
  });

  describe("exports", () => {
    it("as a whole verify without the store, against key and witness, and show what was changed in them", async () => {
      const out = at("whole.ndjson");
      expect((await over(["ledger", "export", "--out", out])).code).to.equal(0);
      const witness = ["--witness", at("worked-on.db.checkpoints")];
      const good = await run(["ledger", "verify", "--file", out, "--key", publicKey(), ...witness]);
      expect([good.code, good.stderr], good.stdout).to.deep.equal([0, ""]);
      expect(good.stdout).to.contain(`The ledger holds: ${lastCheckpoint().size} entries`);
      const lines = readFileSync(out, "utf8").trimEnd().split("\n");
      const changed: Record<string, [string[], RegExp]> = {
        edited: [
          lines.map((line, n) => (n === 4 ? line.replace('"at":"2', '"at":"3') : line)),
          /broken at entry 4: entry 4 was changed/,
        ],
        "without one": [lines.toSpliced(4, 1), /broken at entry 4: entry 4 is missing/],
        "with a line that is nothing": [lines.toSpliced(4, 1, "{}"), /broken at entry 4/],
        "cut short": [[...lines.slice(0, 4), lines[4]?.slice(0, 40) ?? ""], /broken at entry 4/],
        "without its end": [
          lines.filter((line, n) => n < 8 || line.startsWith('{"checkpoint"')),
          /broken at entry 8: the ledger ends at 7/,
        ],
      };
      const ended = await Promise.all(
        Object.entries(changed).map(async ([name, [text, said]]) => {
          writeFileSync(at(`${name}.ndjson`), `${text.join("\n")}\n`);
          return [name, said, await run(["ledger", "verify", "--file", at(`${name}.ndjson`)])] as const;
        }),
      );
      for (const [name, said, { code, stdout }] of ended) {
        expect(stdout, name).to.match(said);
        expect(code, name).to.equal(1);
      }
    });

    it("of a part verify entry by entry, and show what was changed in them", async () => {
      const out = at("part.ndjson");
      expect((await over(["ledger", "export", "--ticket", ticket, "--until", LATER, "--out", out])).code).to.equal(0);
      const good = await run(["ledger", "verify", "--file", out, "--key", publicKey()]);
      expect([good.code, good.stderr]).to.deep.equal([0, ""]);
      expect(good.stdout).to.match(/^The part holds: \d+ entries/);
      const text = readFileSync(out, "utf8");
      writeFileSync(out, text.replace("Network Operations", "Friends and Family"));
      const bad = await run(["ledger", "verify", "--file", out]);
      expect([bad.code, bad.stdout.includes("was changed after it was written")]).to.deep.equal([1, true]);
      const none = await over(["ledger", "export", "--until", "2000-01-01", "--out", at("none.ndjson")]);
      expect(none.stdout).to.contain("0 entries");
    });
  });

  describe("a bundle", () => {
    it("proves a ticket's entries to a stranger, with the key that was handed over", async () => {
      const out = at("bundle.json");
      const proved = await over(["ledger", "prove", "--ticket", ticket, "--out", out, "--json"]);
      expect([proved.code, proved.stderr]).to.deep.equal([0, ""]);
      const bundle = JSON.parse(readFileSync(out, "utf8")) as {
        entries: { entry: { ticket: string }; path: string[] }[];
      }; // our own output
      expect(JSON.parse(proved.stdout)).to.include({ entries: bundle.entries.length, unsigned: 0 });
      expect(bundle.entries.length).to.be.above(3);
      expect(new Set(bundle.entries.map(({ entry }) => entry.ticket)).size, "of one ticket only").to.equal(1);
      for (const { path } of bundle.entries) expect(JSON.stringify(path).length).to.be.below(5_000);
      const [own, known] = await Promise.all([verifyProof(out), verifyProof(out, publicKey())]);
      expect([own.code, known.code], own.stdout).to.deep.equal([0, 0]);
      expect(own.stdout).to.contain(`Holds: ${bundle.entries.length} entries stood in ${lastCheckpoint().origin}`);
      writeFileSync(
        at("other.pem"),
        createPublicKey(readFileSync(at("other.db.key"))).export({ type: "spki", format: "pem" }),
      );
      const strange = await verifyProof(out, at("other.pem"));
      expect([strange.code, strange.stdout.includes("another key than the one you gave")]).to.deep.equal([1, true]);
      expect((await verifyProof()).code).to.equal(2);
    });

    it("proves one decision with its writes and what became of them", async () => {
      const explained = await over(["explain", ticket, "--json"]);
      const { decision } = JSON.parse(explained.stdout) as { decision: { id: string } }; // our own output
      const out = at("decision.json");
      expect((await over(["ledger", "prove", "--decision", decision.id, "--out", out])).code).to.equal(0);
      const bundle = JSON.parse(readFileSync(out, "utf8")) as { entries: { entry: { kind: string } }[] }; // our own output
      expect(new Set(bundle.entries.map(({ entry }) => entry.kind))).to.deep.equal(
        new Set(["decision", "action", "receipt"]),
      );
      expect((await verifyProof(out)).code).to.equal(0);
      const unknown = await over(["ledger", "prove", "--decision", "0".repeat(16), "--out", at("no.json")]);
      expect([unknown.code, existsSync(at("no.json"))]).to.deep.equal([1, false]);
    });
  });

  it("reports to an auditor what was changed, by which rule, and what was out of the ordinary", async () => {
    const html = at("report.html");
    const [text, json] = await Promise.all([
      over(["ledger", "report", "--from", "2000-01-01", "--to", LATER, "--html", html, "--csv", at("csv")]),
      over(["ledger", "report", "--from", "2000-01-01", "--to", LATER, "--json"]),
    ]);
    expect([text.code, text.stderr, json.code]).to.deep.equal([0, "", 0]);
    const report = JSON.parse(json.stdout) as { changes: Record<string, string>[]; overrides: { what: string }[] }; // our own output
    const change = report.changes.find(({ field }) => field === "assignmentGroup");
    expect(change).to.include({ after: "Network Operations", outcome: "applied", approvedBy: "" });
    expect(change?.["rules"]).to.contain("network-to-network-operations");
    expect(report.overrides.map(({ what }) => what)).to.include(`the ledger is signed by ${lastCheckpoint().keyId}`);
    expect(readFileSync(html, "utf8")).to.contain("Who asked and who approved").and.to.contain("Network Operations");
    expect(readFileSync(join(at("csv"), "changes.csv"), "utf8")).to.contain("Network Operations");
    const none = await over(["ledger", "report", "--from", "2000-01-01", "--to", "2000-01-02", "--json"]);
    expect(JSON.parse(none.stdout)).to.deep.include({ entries: 0, changes: [] });
  });

  it("loses bodies only in the open, and holds all the same", async () => {
    copyFileSync(at("worked-on.db"), at("pruned.db"));
    const own = at("pruning");
    mkdirSync(own);
    const { config, mappings } = writeConfigFolder(own, {
      snowUrl: "http://127.0.0.1:9",
      jiraUrl: "http://127.0.0.1:9",
    });
    copyFileSync(at("worked-on.db"), join(own, "interlock.db"));
    const ask = (...args: string[]): Promise<Ended> =>
      run(["ledger", ...args, "--config", config, "--mappings", mappings]);
    const dry = await ask("prune", "--before", LATER, "--kind", "signal", "--dry-run");
    expect(dry.stdout).to.match(/^[1-9]\d* bodies would be dropped/);
    expect((await ask("verify")).stdout).to.not.contain("dropped");
    const pruned = await ask("prune", "--before", LATER, "--kind", "signal");
    expect([pruned.code, pruned.stdout]).to.deep.equal([0, dry.stdout.replace("would be", "were")]);
    const erased = await ask("erase", "--person", "Network Operations", "--json");
    expect(JSON.parse(erased.stdout)).to.deep.include({ dryRun: false, unsalted: 0 });
    const verified = await ask("verify", "--key", publicKey(), "--witness", at("worked-on.db.checkpoints"));
    expect(verified.code, verified.stdout).to.equal(0);
    expect(verified.stdout).to.match(/[1-9]\d* bodies were dropped, as entries say/);
    const db = new DatabaseSync(join(own, "interlock.db"));
    expect(db.prepare("select count(*) as n from ledger where body like '%Network Operations%'").get()).to.deep.include(
      { n: 0 },
    );
    db.exec("update ledger set body = '', salt = null where seq = (select min(seq) from ledger where kind = 'start')");
    db.close();
    expect((await ask("verify")).code, "in secret").to.equal(1);
  });

  it("tells its last checkpoint to whoever has the admin token", async () => {
    const rig = await startRig();
    const made = await rig.server.checkpoints?.make();
    const path = `${rig.server.url}/api/ledger/checkpoint`;
    expect((await send(path)).status).to.equal(401);
    const answer = await send(path, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } });
    expect(answer.status).to.equal(200);
    if (!made) throw new Error("nothing was signed");
    expect(JSON.parse(answer.text)).to.deep.equal({ ...made, line: witnessLine(made) });
    await rig.close();
  });
});
