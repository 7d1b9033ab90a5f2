import { expect } from "chai";
import { ADMIN_TOKEN, type Rig, startRig } from "../support/rig.ts";
import { type Ended, run } from "./command.ts";

const ABEL = { by: "abel.tuter" };
const RULE = "network-to-network-operations";

describe("interlock revoke and interlock mode", function () {
  this.timeout(60_000);
  let rig: Rig;
  let keys: string[];

  beforeEach(async () => {
    rig = await startRig();
    const rows = [1, 2].map(() => rig.snow.insert("incident", { short_description: "VPN is down" }, ABEL));
    keys = rows.map((row) => row["number"] ?? "");
    await rig.settled();
    const mine = { assignment_group: rig.snow.group("Workplace Hardware") };
    rig.snow.update("incident", rows[1]?.sys_id ?? "", mine, ABEL);
    await rig.settled();
  });
  afterEach(() => rig.close());

  const call = (...args: string[]): Promise<Ended> =>
    run([...args, "--server", rig.server.url], { env: { INTERLOCK_ADMIN_TOKEN: ADMIN_TOKEN } });

  it("says beforehand what would be undone, and changes nothing", async () => {
    const [text, json] = [
      await call("revoke", "--rule", RULE, "--dry-run"),
      await call("revoke", "--since", "1h", "--dry-run", "--json"),
    ];
    expect(text.code).to.equal(0);
    expect(text.stdout).to.contain("no vendor was asked");
    expect(text.stdout).to.contain("Would be undone: 1. Notes that a correction would follow: 2. Would stay: 1.");
    expect(text.stdout).to.match(
      new RegExp(`^snow/${keys[1]} assignmentGroup \\([0-9a-f]{16}\\) stays: somebody has changed it since$`, "m"),
    );
    expect(JSON.parse(json.stdout)).to.deep.include({ dryRun: true, counts: { restored: 1, corrected: 2, kept: 1 } });
    expect(await rig.server.store.counts()).to.include({ pending: 0 });
    const kinds = (await rig.server.store.entries(0, 10_000)).map(({ kind }) => kind);
    expect(kinds).not.to.include("revoke");
  });

  it("undoes, waits for the end, lists what stays with exit code 1, and does nothing at the second run", async () => {
    const done = await call("revoke", "--rule", RULE, "--reason", "wrong group");
    expect(done.stdout).to.match(/^Revocation [0-9a-f]{16}: 1 undone, 2 notes corrected, 1 stay, 0 wait\.$/m);
    expect(done.stdout).to.contain(`snow/${keys[1]} assignmentGroup`);
    expect(done.stderr).to.contain("revoke: undoing 4 actions, 100 %");
    expect(done.code).to.equal(1);
    const again = await call("revoke", "--rule", RULE);
    expect([again.code, again.stdout.startsWith("There is nothing to undo")]).to.deep.equal([0, true]);
  });

  it("ends with exit code 0 where all is undone", async () => {
    const view = await rig.server.store.view("snow", keys[0] ?? "");
    const { code, stdout } = await call("revoke", "--decision", view?.decision?.id ?? "", "--json");
    expect(JSON.parse(stdout)).to.deep.include({ ok: true, restored: 1, corrected: 1, kept: 0, wanted: 0, listed: [] });
    expect(code).to.equal(0);
  });

  it("says that it waits where the mode holds it back, and leaves it to the server where nobody waits", async () => {
    const lowered = await call("mode", "observe", "--connection", "snow");
    expect(lowered.code).to.equal(0);
    expect(lowered.stdout).to.match(/snow .* act .* observe .* observe/);
    const held = await call("revoke", "--rule", RULE);
    expect(held.stdout).to.contain("snow may not be written to now");
    expect(held.code).to.equal(1);
    expect((await call("mode", "configured", "--connection", "snow")).code).to.equal(0);
    const shown = await call("mode", "--json");
    expect((JSON.parse(shown.stdout) as { connections: unknown[] }).connections[0]).to.include({ lowered: null }); // our own output
    const nothing = await call("revoke", "--rule", RULE, "--no-wait");
    expect(nothing.stdout).to.contain("There is nothing to undo");
  });

  it("is wrong usage without a selection, with a time that is none, or with a mode that is none", async () => {
    const wrong = [["revoke"], ["revoke", "--connection", "snow"], ["revoke", "--since", "yesterday"], ["mode", "off"]];
    for (const args of wrong) expect((await call(...args)).code, args.join(" ")).to.equal(2);
  });
});
