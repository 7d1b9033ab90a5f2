import { existsSync } from "node:fs";
import { expect } from "chai";
import { type CallDispatcher, installDispatcher } from "../../../connectors/jira/http.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, openJira } from "../open.ts";
import { openParts } from "./parts.ts";
import { PLATFORM } from "./sent.ts";

describe("Requests of the Jira tests", () => {
  let dispatcher: CallDispatcher;
  let sim: JiraSim;

  before(function (this: Mocha.Context) {
    if (existsSync(PLATFORM)) return;
    process.stdout.write(`      skipped: ${PLATFORM} is not beside this repository\n`);
    this.skip();
  });
  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim();
  });
  afterEach(async () => {
    await sim?.close();
    await dispatcher?.close();
  });

  /** What closing says after a request; undefined where it has no complaint. */
  async function complaint(path: string, init?: RequestInit): Promise<string | undefined> {
    const { connector } = openJira(sim);
    await fetch(`${sim.url}${path}`, init);
    try {
      await connector.close();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  it("that Jira does not describe fail their test when it closes, and only theirs", async () => {
    expect(await complaint("/rest/api/3/myself?colour=red")).to.contain("query colour");
    expect(await complaint("/rest/api/3/nowhere")).to.contain("nowhere is not in the document");
    const body = JSON.stringify({ issueIds: ["1"] });
    expect(await complaint("/rest/api/3/issue/bulkfetch", { method: "POST", body })).to.contain("issueIdsOrKeys");
    expect(await complaint("/rest/api/3/myself")).to.equal(undefined);
  });

  it("are looked at until the last connector is closed, and fetch is itself again", async () => {
    const before = globalThis.fetch;
    const first = openJira(sim);
    const second = openParts(sim);
    await first.connector.close();
    expect(globalThis.fetch).to.not.equal(before);
    await second.close();
    expect(globalThis.fetch).to.equal(before);
  });
});
