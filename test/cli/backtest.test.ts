import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect } from "chai";
import { INCIDENTS_PATH } from "../demo/uci.ts";
import { run } from "./command.ts";

/** What is looked at of what --json prints. */
interface Printed {
  history: { tickets: number; rows: number; known: number; agreeBefore: number };
  policies: { name: string; agree: number; sla: { missed: number; told100: number } }[];
  policiesDiffer: number | null;
  seconds: number;
  rssMb: number;
}

const LOG_POLICY = "test/demo/log-policy";

describe("interlock backtest", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(120_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "interlock-backtest-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const backtest = (...args: string[]) => run(["backtest", ...args]);

  it("replays real incidents, compares two policies and writes both reports", async () => {
    const [csv, html] = [join(folder, "out.csv"), join(folder, "out.html")];
    const other = join(folder, "leave");
    mkdirSync(other);
    writeFileSync(join(other, "routing.yaml"), "default: { id: leave, why: People route, then: { leave: true } }\n");
    const args = ["--from", INCIDENTS_PATH, "--mapping", "uci", "--policy", LOG_POLICY, "--policy", other];
    const ended = await backtest(...args, "--csv", csv, "--html", html, "--json");
    expect([ended.code, ended.stderr.split("\n").at(-2)]).to.deep.equal([
      0,
      `backtest: reading ${INCIDENTS_PATH}, 100 %`,
    ]);
    const { history, policies, policiesDiffer, seconds, rssMb } = JSON.parse(ended.stdout) as Printed; // our own output
    expect(history.tickets).to.equal(320);
    const [ours, leave] = policies;
    expect([ours?.name, leave?.name]).to.deep.equal([LOG_POLICY, other]);
    expect(leave?.agree).to.equal(history.agreeBefore);
    expect(ours?.sla.missed).to.be.above(0);
    expect(ours?.sla.told100).to.be.at.most(ours?.sla.missed ?? 0);
    expect(policiesDiffer).to.be.above(0);
    expect(seconds).to.be.above(0);
    expect(rssMb).to.be.within(50, 300);
    expect(readFileSync(csv, "utf8").trim().split("\r\n")).to.have.length(1 + 2 * 320);
    expect(readFileSync(html, "utf8")).to.include("<svg ");
  });

  it("prints the figures in words, with time and memory, from a file that is not packed", async () => {
    const path = join(folder, "few.csv");
    writeFileSync(path, gunzipSync(readFileSync(INCIDENTS_PATH)).toString("utf8").split("\n").slice(0, 60).join("\n"));
    const { code, stdout } = await backtest("--from", path, "--policy", LOG_POLICY);
    expect(code).to.equal(0);
    expect(stdout).to.include("Group decided is the one that resolved");
    expect(stdout).to.include("0, AI is off here");
    expect(stdout).to.match(/Took [\d.]+ s and at most \d+ MB of memory\.\n$/);
  });

  it("refuses what it cannot replay, before it writes anything", async () => {
    const torn = join(folder, "torn.csv.gz");
    writeFileSync(torn, gzipSync("number,a\n1,2,3\n").subarray(0, 20));
    const csv = join(folder, "never.csv");
    const cases: [args: string[], code: number, says: RegExp][] = [
      [
        ["--from", "snw", "--since", "2026-01-01"],
        2,
        /no file snw and no connection of that name; there are snow, jira\. Did you mean "snow"\?/,
      ],
      [["--from", INCIDENTS_PATH, "--since", "January"], 2, /--since January is not a day/],
      [
        ["--from", INCIDENTS_PATH, "--policy", "a", "--policy", "b", "--policy", "c"],
        2,
        /3 policies were given; 2 can/,
      ],
      [["--from", INCIDENTS_PATH, "--mapping", "none"], 1, /mappings\/history\/none\.yaml: the file is not there.*uci/],
      [["--from", INCIDENTS_PATH, "--policy", join(folder, "no")], 1, /no\/routing\.yaml: the file is not there/],
      [["--from", torn, "--policy", LOG_POLICY], 1, /torn\.csv\.gz is not a CSV file that can be read: /],
      [["--policy", LOG_POLICY], 2, /required option '--from <source>'/],
    ];
    const ended = await Promise.all(cases.map(([args]) => backtest(...args, "--csv", csv)));
    cases.forEach(([args, code, says], at) => {
      expect([ended[at]?.code, ended[at]?.stdout], args.join(" ")).to.deep.equal([code, ""]);
      expect(ended[at]?.stderr, args.join(" ")).to.match(says);
    });
    expect(existsSync(csv)).to.equal(false);
  });
});
