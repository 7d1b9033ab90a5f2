import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { standingClock } from "../connectors/open.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { type Ended, run } from "./command.ts";

const ABEL = { by: "abel.tuter" };
const CANARY = "Kanarienvogel";
const KINDS = [
  { group: "Network", category: "network", words: `the vpn drops and the wifi is gone ${CANARY}` },
  { group: "Service Desk", category: "hardware", words: `the printer jams and the monitor is black ${CANARY}` },
];
const HOUR_MS = 3_600_000;

describe("interlock train from a connection", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(120_000);
  let folder: string;
  let folders: ConfigFolder;
  let snow: ServiceNowSim;

  before(async () => {
    const clock = standingClock();
    snow = await startServiceNowSim({ now: () => clock.now() });
    folder = mkdtempSync(join(tmpdir(), "interlock-train-"));
    folders = writeConfigFolder(folder, { snowUrl: snow.url, jiraUrl: "http://127.0.0.1:9", mode: "observe" });
    for (let n = 0; n < 60; n += 1) {
      const { group, category, words } = KINDS[n % 2] ?? { group: "", category: "", words: "" };
      clock.pass(HOUR_MS);
      const opened = { short_description: `${words} ${n}`, category: "inquiry", assignment_group: snow.group(group) };
      const { sys_id: id } = snow.insert("incident", opened, ABEL);
      clock.pass(HOUR_MS);
      // One that nobody has closed yet is nothing to learn from.
      if (n === 59) continue;
      const closed = { state: "6", close_code: "Solution provided", close_notes: "done" };
      snow.update("incident", id, { category, ...closed }, ABEL);
    }
  });
  after(async () => {
    await snow.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const train = (...args: string[]): Promise<Ended> =>
    run(["train", "--config", folders.config, "--mappings", folders.mappings, ...args]);

  it("learns from what people closed, as they left it, and keeps no text of it", async () => {
    const out = join(folder, "classify.model");
    const { code, stdout, stderr } = await train(
      "--from",
      "snow",
      "--since",
      "2020-01-01",
      "--type",
      "incident",
      "--out",
      out,
      "--json",
    );
    expect(code, stderr).to.equal(0);
    const made = JSON.parse(stdout) as { read: number; heads: { field: string; labels: { label: string }[] }[] }; // our own output
    expect(made.read).to.equal(59);
    const labels = Object.fromEntries(
      made.heads.map(({ field, labels: its }) => [field, its.map(({ label }) => label).sort()]),
    );
    expect(labels).to.deep.equal({ category: ["hardware", "network"], assignment_group: ["Network", "Service Desk"] });
    expect(readFileSync(out).includes(CANARY.toLowerCase())).to.equal(false);
  });

  const refused: readonly (readonly [string[], RegExp])[] = [
    [["--from", "snow"], /say from which day on the tickets of snow are read/],
    [["--from", "snwo", "--since", "2026-01-01"], /no connection of that name.*Did you mean "snow"/],
    [["--from", "snow", "--since", "2026-01-01", "--text", "a"], /--text is for a file/],
    [
      ["--from", "snow", "--since", "2026-01-01", "--label", "intent"],
      /of snow these can be learnt: category, service/,
    ],
  ];
  for (const [args, what] of refused)
    it(`refuses ${args.join(" ")}`, async () => {
      const { code, stderr } = await train(...args);
      expect([code, stderr.replaceAll("\n", " ")]).to.satisfy(
        ([exit, said]: [number, string]) => exit === 2 && what.test(said),
      );
    });
});
