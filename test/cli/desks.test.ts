import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { onlyCmdb, openDesks } from "../../cli/desks.ts";
import type { Config } from "../../core/config/load.ts";
import { standingClock } from "../connectors/open.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { rigConfig } from "../support/rig.ts";

const NOWHERE = "http://127.0.0.1:9";

describe("the desks of a configuration: whom they ask for facts", () => {
  let folder: string;
  let config: Config;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "interlock-desks-"));
    config = rigConfig(NOWHERE, NOWHERE, { folder });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Fact → the connection that is asked, for every desk. */
  async function asked(given: Config): Promise<Record<string, Record<string, string>>> {
    const deps = { clock: standingClock(), log: recordingLog(), meter: { count: () => undefined } };
    const { desks } = openDesks({ config: given }, deps);
    await Promise.all([...desks.values()].map(({ connector }) => connector.close()));
    const of = [...desks].map(([name, { facts = {} }]) => {
      return [name, Object.fromEntries(Object.entries(facts).map(([fact, { connection }]) => [fact, connection]))];
    });
    return Object.fromEntries(of);
  }
  const withConnections = (connections: Config["settings"]["connections"]): Config => {
    return { ...config, settings: { ...config.settings, connections } };
  };

  it("is ServiceNow itself; Jira asks the one ServiceNow there is for items", async () => {
    expect(await asked(config)).to.deep.equal({
      snow: { ci: "snow", members: "snow", spend: "snow", impact: "snow", aftermath: "snow" },
      jira: { ci: "snow", impact: "snow", aftermath: "snow", members: "jira" },
    });
    expect(onlyCmdb(config.settings)).to.equal("snow");
  });

  it("is nobody for the items of Jira where there are two ServiceNow connections, or none", async () => {
    const { snow, jira } = config.settings.connections;
    if (!snow || !jira) throw new Error("the configuration of tests has both");
    const two = withConnections({ snow, jira, other: snow });
    expect(await asked(two)).to.deep.equal({
      snow: { ci: "snow", members: "snow", spend: "snow", impact: "snow", aftermath: "snow" },
      jira: { members: "jira" },
      other: { ci: "other", members: "other", spend: "other", impact: "other", aftermath: "other" },
    });
    const none = withConnections({ jira });
    expect(await asked(none)).to.deep.equal({ jira: { members: "jira" } });
    expect([two, none].map(({ settings }) => onlyCmdb(settings))).to.deep.equal([undefined, undefined]);
  });
});
