import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openStoreUrl } from "../../cli/store.ts";
import { systemClock } from "../../cli/system.ts";
import { hint } from "../contract/store-rig.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { writeConfigFolder } from "../support/config-folder.ts";
import { run } from "./command.ts";

const KEY = `CUST-${"7".repeat(50)}`;

describe("interlock parked", function (this: Mocha.Suite) {
  this.timeout(60_000);

  it("shows names whole, since they are copied into the next command, and no colours", async () => {
    const folder = mkdtempSync(join(tmpdir(), "interlock-parked-"));
    const nowhere = "http://127.0.0.1:9";
    const { config, mappings } = writeConfigFolder(folder, { snowUrl: nowhere, jiraUrl: nowhere });
    const store = await openStoreUrl(`file:${join(folder, "interlock.db")}`, systemClock, recordingLog());
    const named = hint("r1", { target: { type: "incident", recordId: "r1", recordKey: KEY } });
    await store.accept([named, hint("", { target: { unlocated: "the body is not JSON" } })], 0);
    for (const claim of await store.claim("test", 10, 60_000))
      await store.park(claim, "history_unreadable", "look at the ticket's history");
    const unlocated = (await store.parked(10)).find(({ reason }) => reason === "unlocated")?.key ?? "";
    await store.close();
    const env = { FORCE_COLOR: "1" };
    const { code, stdout } = await run(["parked", "--config", config, "--mappings", mappings], { env });
    expect(code).to.equal(0);
    for (const whole of [`snow/${KEY} `, `snow/${unlocated} `, " history_unreadable "])
      expect(stdout).to.contain(whole);
    expect(stdout).to.not.contain("\u001b[");
    rmSync(folder, { recursive: true, force: true });
  });
});
