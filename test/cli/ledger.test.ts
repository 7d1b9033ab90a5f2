import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { openStoreUrl } from "../../cli/store.ts";
import { systemClock } from "../../cli/system.ts";
import { send } from "../routes/client.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { writeConfigFolder } from "../support/config-folder.ts";
import { ADMIN_TOKEN, type Rig, startRig } from "../support/rig.ts";
import { type Ended, run } from "./command.ts";

const BY = { snow: { by: "abel.tuter" }, jira: { by: "5b10-abel" } };

/** A store that a server has worked on: one ticket routed, one parked. */
async function workedOn(store: string): Promise<{ keys: { routed: string; parked: string } }> {
  const rig: Rig = await startRig({ store: `file:${store}` });
  const routed = rig.jira.create("OPS", { summary: "VPN is down", issuetype: "Incident" }, BY.jira);
  const parked = rig.snow.insert("incident", { short_description: "VPN is down", state: "42" }, BY.snow);
  await rig.settled();
  await rig.close();
  return { keys: { routed: routed.key, parked: parked.sys_id } };
}

describe("Commands that look into the store", function (this: Mocha.Suite) {
  this.timeout(60_000);
  let folder: string;
  let keys: { routed: string; parked: string };
  let copies = 0;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "interlock-cli-"));
    ({ keys } = await workedOn(join(folder, "worked-on.db")));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs a command over a copy of the store that `change` has been at. */
  function over(args: readonly string[], change: (db: DatabaseSync) => void = () => {}): Promise<Ended> {
    copies += 1;
    const own = join(folder, `copy-${copies}`);
    mkdirSync(own);
    const { config, mappings } = writeConfigFolder(own, {
      snowUrl: "http://127.0.0.1:9",
      jiraUrl: "http://127.0.0.1:9",
    });
    copyFileSync(join(folder, "worked-on.db"), join(own, "interlock.db"));
    const db = new DatabaseSync(join(own, "interlock.db"));
    change(db);
    db.close();
    return run([...args, "--config", config, "--mappings", mappings]);
  }

  describe("interlock ledger verify", () => {
    it("says that an untouched ledger holds, how long it is, and what its end is", async () => {
      const [text, json] = await Promise.all([over(["ledger", "verify"]), over(["ledger", "verify", "--json"])]);
      expect([text.code, text.stderr, json.code]).to.deep.equal([0, "", 0]);
      const verdict = JSON.parse(json.stdout) as { ok: boolean; entries: number; head: string }; // our own output
      expect(verdict.ok).to.equal(true);
      expect(verdict.entries).to.be.above(10);
      const [first, second, ...more] = text.stdout.split("\n");
      expect(first).to.equal(`The ledger holds: ${verdict.entries} entries, head ${verdict.head}.`);
      expect(second).to.match(/^\d+ checkpoints? agrees?, signed by keys that the ledger itself names/);
      expect(more).to.deep.equal([""]);
    });

    const TAMPERING: [string, string, RegExp][] = [
      [
        "an edited body",
        `update ledger set body = replace(body, 'Network', 'Netwerk') where seq = (select min(seq) from ledger where body like '%Network%')`,
        /entry \d+ was changed after it was written/,
      ],
      [
        "an entry moved to another ticket",
        "update ledger set ticket = 'snow/incident/x' where seq = 2",
        /at entry 2: entry 2 was changed/,
      ],
      [
        "a deleted entry",
        "delete from ledger where seq = 4",
        /at entry 4: entry 4 is missing; the next one found is 5/,
      ],
      [
        "an inserted entry",
        "insert into ledger (seq, at, kind, ticket, body, prev, hash, salt) select (select max(seq) from ledger) + 1, at, kind, ticket, body, prev, hash, salt from ledger where seq = 3",
        /does not follow the one before it/,
      ],
      [
        "two swapped entries",
        "update ledger set seq = -1 where seq = 3; update ledger set seq = 3 where seq = 4; update ledger set seq = 4 where seq = -1",
        /at entry 3: entry 3 does not follow/,
      ],
    ];
    it("names the first entry that does not hold, and exits with 1", async () => {
      await Promise.all(
        TAMPERING.map(async ([name, sql, said]) => {
          const { code, stdout } = await over(["ledger", "verify"], (db) => db.exec(sql));
          expect(stdout, name)
            .to.match(/^The ledger is broken at entry \d+: /)
            .and.to.match(said);
          expect(code, name).to.equal(1);
        }),
      );
    });
  });

  describe("interlock explain", () => {
    it("tells what was decided, why, and what was written", async () => {
      const [text, trace, json] = await Promise.all([
        over(["explain", `jira/${keys.routed}`]),
        over(["explain", `jira/${keys.routed}`, "--trace"]),
        over(["explain", `jira/${keys.routed}`, "--json"]),
      ]);
      expect([text.code, trace.code, json.code]).to.deep.equal([0, 0, 0]);
      expect(text.stdout)
        .to.contain(`jira/${keys.routed}\n`)
        .and.to.contain("It should have assignmentGroup = Network Operations.")
        .and.to.contain("(rule network-to-network-operations)")
        .and.to.contain("assignmentGroup: (empty) -> Network Operations: done");
      expect(trace.stdout).to.contain("security-to-security-operations: not_matched");
      expect(JSON.parse(json.stdout)).to.deep.include({ connection: "jira", key: keys.routed });
      expect(text.stdout, "ticket text is not stored, so it cannot be shown").to.not.contain("VPN is down");
    });

    it("tells why a ticket waits, and exits with 1 for one that nobody has named", async () => {
      const [waiting, unknown, odd] = await Promise.all([
        over(["explain", `snow/${keys.parked}`]),
        over(["explain", "jira/OPS-4711"]),
        over(["explain", "OPS-4711"]),
      ]);
      expect(waiting.code).to.equal(0);
      expect(waiting.stdout).to.contain("drift. mapping servicenow.incident does not know status (state): 42");
      expect([unknown.code, unknown.stderr]).to.deep.equal([
        1,
        "jira/OPS-4711: no signal has named that ticket yet.\n",
      ]);
      expect(odd.code, "wrong usage").to.equal(2);
      expect(odd.stderr).to.contain('"OPS-4711" is not a ticket; write connection/key, such as snow/INC0010001');
    });
  });

  describe("interlock parked", () => {
    it("lists what waits for a person and what to do, or that nothing does", async () => {
      const nothing = "update work set parked_at = null, parked_reason = null, parked_detail = null";
      const [table, json, none] = await Promise.all([
        over(["parked"]),
        over(["parked", "--json"]),
        over(["parked"], (db) => db.exec(nothing)),
      ]);
      expect([table.code, json.code, none.code]).to.deep.equal([0, 0, 0]);
      expect(table.stdout).to.contain("what to do").and.to.contain("drift").and.to.contain("does not know status");
      const list = JSON.parse(json.stdout) as { key: string; reason: string }[]; // our own output
      expect(list.map(({ key, reason }) => [key, reason])).to.deep.equal([[keys.parked, "drift"]]);
      expect(none.stdout).to.equal("Nothing is parked.\n");
    });

    it("--redrive asks the running server, with the admin token", async () => {
      const rig = await startRig();
      const row = rig.snow.insert("incident", { short_description: "VPN is down", state: "42" }, BY.snow);
      await rig.settled();
      const redrive = (ticket: string, env: Record<string, string>) => {
        const own = join(folder, `redrive-${env["INTERLOCK_ADMIN_TOKEN"] ?? "none"}-${ticket.length}`);
        mkdirSync(own);
        const { config, mappings } = writeConfigFolder(own, { snowUrl: rig.snow.url, jiraUrl: rig.jira.url });
        return run(
          ["parked", "--redrive", ticket, "--server", rig.server.url, "--config", config, "--mappings", mappings],
          {
            env,
          },
        );
      };
      const token = { INTERLOCK_ADMIN_TOKEN: ADMIN_TOKEN };
      const [unset, wrong, unknown] = await Promise.all([
        redrive(`snow/${row.sys_id}`, {}),
        redrive(`snow/${row.sys_id}`, { INTERLOCK_ADMIN_TOKEN: "wrong" }),
        redrive("snow/INC9999999", token),
      ]);
      expect([unset.code, wrong.code, unknown.code]).to.deep.equal([1, 1, 1]);
      expect(unset.stderr).to.contain("INTERLOCK_ADMIN_TOKEN is not set");
      expect(wrong.stdout).to.contain("answered 401");
      expect(unknown.stdout).to.contain("answered 404");
      expect((await rig.server.store.counts()).parked).to.equal(1);
      const done = await redrive(`snow/${row.sys_id}`, token);
      expect([done.code, done.stdout]).to.deep.equal([0, `snow/${row.sys_id} is due again.\n`]);
      await rig.settled();
      expect((await rig.server.store.entries(0, 1_000)).map(({ kind }) => kind)).to.include("redrive");
      expect((await send(`${rig.server.url}/livez`)).status).to.equal(200);
      await rig.close();
    });
  });

  it("say where they looked and what to do where there is no store, and do not make one", async () => {
    const own = join(folder, "none");
    mkdirSync(own);
    const { config, mappings } = writeConfigFolder(own, {
      snowUrl: "http://127.0.0.1:9",
      jiraUrl: "http://127.0.0.1:9",
    });
    const database = join(own, "interlock.db");
    const ask = (...args: string[]) => run([...args, "--config", config, "--mappings", mappings]);
    const ended = [ask("ledger", "verify"), ask("explain", "snow/INC1"), ask("parked")];
    for (const { code, stdout, stderr } of await Promise.all(ended)) {
      expect([code, stdout]).to.deep.equal([1, ""]);
      expect(stderr)
        .to.match(/^interlock: /)
        .and.to.contain(`there is no store at ${database} yet; start the server first (interlock serve)`)
        .and.to.contain("--config");
    }
    expect(existsSync(database)).to.equal(false);
    mkdirSync(database);
    const { code, stderr } = await ask("parked");
    expect([code, stderr.includes(`the store ${database} is not a file`)]).to.deep.equal([1, true]);
  });

  describe("interlock replay", () => {
    /** The id of the decision on the routed ticket. */
    async function decisionId(): Promise<string> {
      const { stdout } = await over(["explain", `jira/${keys.routed}`, "--json"]);
      const view = JSON.parse(stdout) as { decision: { id: string } }; // our own output
      return view.decision.id;
    }
    const edit =
      (statement: string) =>
      (db: DatabaseSync): void =>
        db.exec(statement);

    it("says that a decision comes out the same, byte for byte", async () => {
      const id = await decisionId();
      const [text, json] = await Promise.all([over(["replay", id]), over(["replay", id, "--json"])]);
      expect([text.code, text.stderr, json.code]).to.deep.equal([0, "", 0]);
      expect(text.stdout).to.match(
        new RegExp(`^Decision ${id} of .* comes out the same, byte for byte, under its policy`),
      );
      expect(JSON.parse(json.stdout)).to.include({ decision: id, identical: true });
    });

    it("shows what differs where its inputs were changed since", async () => {
      const id = await decisionId();
      const changed = await over(
        ["replay", id],
        edit('update inputs set inputs = replace(inputs, \'"now":"2\', \'"now":"3\')'),
      );
      expect(changed.code).to.equal(1);
      expect(changed.stdout).to.contain("does NOT come out the same").and.to.contain("inputsDigest was");
    });

    it("says so where the files of the policy were changed since, or are not kept", async () => {
      const id = await decisionId();
      const forged = await over(
        ["replay", id],
        edit("update policies set sources = replace(sources, 'Network', 'Nettwork')"),
      );
      expect(forged.code).to.equal(1);
      expect(forged.stderr).to.contain("they were changed");
      const gone = await over(["replay", id], edit("delete from policies"));
      expect([gone.code, gone.stderr.includes("is not kept here")]).to.deep.equal([1, true]);
    });

    it("does not know a decision that was never made", async () => {
      const { code, stdout, stderr } = await over(["replay", "0000000000000000"]);
      expect([code, stdout]).to.deep.equal([1, ""]);
      expect(stderr).to.contain("no decision of that id is kept here");
    });
  });

  it("look while the server runs, and change nothing", async () => {
    const own = join(folder, "running");
    mkdirSync(own);
    const { config, mappings } = writeConfigFolder(own, {
      snowUrl: "http://127.0.0.1:9",
      jiraUrl: "http://127.0.0.1:9",
    });
    const store = await openStoreUrl(`file:${join(own, "interlock.db")}`, systemClock, recordingLog());
    await store.append([{ kind: "redrive", ticket: null, body: { by: "test" } }]);
    const ended = await Promise.all([
      run(["ledger", "verify", "--config", config, "--mappings", mappings]),
      run(["parked", "--config", config, "--mappings", mappings]),
    ]);
    expect(ended.map(({ code }) => code)).to.deep.equal([0, 0]);
    expect(ended[0].stdout).to.contain("The ledger holds: 1 entry,");
    expect(await store.counts()).to.include({ ledger: 1 });
    await store.close();
  });
});
