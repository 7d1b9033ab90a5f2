import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { ClosedChange } from "../../core/risk/history.ts";
import { readRiskModel } from "../../core/risk/model.ts";
import { madeUpChanges } from "../core/risk/changes.ts";
import { type Ended, run } from "./command.ts";

const COLUMNS = "number,ci,group,model,type,plannedStart,plannedEnd,closedAt,outcome,backoutPlan";

function lineOf(change: ClosedChange, outcome = change.failed ? "unsuccessful" : "successful"): string {
  const { number, ci, group, model, type, plannedStart, plannedEnd = "", closedAt } = change;
  return [number, ci, group, model, type, plannedStart, plannedEnd, closedAt, outcome, "yes"].join(",");
}

function exported(changes: readonly ClosedChange[], ...more: string[]): string {
  return [COLUMNS, ...changes.map((change) => lineOf(change)), ...more, ""].join("\r\n");
}

describe("interlock train --changes", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(120_000);
  const changes = madeUpChanges(1_200);
  let folder: string;
  let csv: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "interlock-changes-"));
    csv = join(folder, "changes.csv");
    writeFileSync(csv, exported(changes));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const at = (name: string): string => join(folder, name);
  const train = (...args: string[]): Promise<Ended> => run(["train", "--changes", ...args]);

  it("writes a model beside the rules, says what it is worth, and makes the same bytes again", async () => {
    const [config, again] = [at("config"), at("again.json")];
    mkdirSync(config);
    const first = await train("--file", csv, "--config", config);
    expect([first.code, first.stderr.split("\n").at(-2)]).to.deep.equal([0, `train: reading ${csv}, 100 %`]);
    expect(first.stdout).to.include("Read 1200 changes; 1200 can be learnt from.");
    expect(first.stdout).to.include("The 271 of the first 90 days only count as history of the others");
    expect(first.stdout).to.include("Of 929 changes, 113 went wrong (12.2 %).");
    expect(first.stdout).to.match(
      /last fifth by time, 186 changes of which 28 went wrong \(15\.1 %\): AUC 0\.\d{3} \(95 %: /,
    );
    expect(first.stdout).to.match(/deviation from the usual:\n {2}(failedChanges|emergency) +0\.\d\d\n/);
    expect(first.stdout).to.match(/left out: incidents, modelChanges, modelFailed, firstChange, standard\./);
    const path = join(config, "policy", "change-risk.model.json");
    const text = readFileSync(path, "utf8");
    expect(readRiskModel(text)).to.have.property("version", 1);
    for (const name of ["CHG0", "ci-0", "group-1"]) expect(text).to.not.include(name);

    const second = await train("--file", csv, "--out", again, "--json");
    const made = JSON.parse(second.stdout);
    expect([second.code, readFileSync(again, "utf8")]).to.deep.equal([0, text]);
    expect(made).to.deep.include({ file: again, read: 1_200, unusable: {}, first: 271, changes: 929, failed: 113 });
    expect(made.validation).to.deep.include({ changes: 186, failed: 28 });
    expect(made.refused).to.equal(null);
  });

  it("leaves out what cannot be learnt from, and says how much of it there was", async () => {
    const [one] = madeUpChanges(1);
    if (!one) throw new Error("no change");
    const odd = [
      lineOf({ ...one, number: "A" }, "canceled"),
      lineOf({ ...one, number: "B" }, ""),
      lineOf({ ...one, number: "C", plannedStart: "2024-01-01 09:00:00" }),
      lineOf({ ...one, number: "D", closedAt: "" }),
      lineOf({ ...one, number: "E", closedAt: one.plannedStart }),
      lineOf(one),
    ];
    const file = at("odd.csv");
    writeFileSync(file, exported(changes, ...odd));
    const { code, stdout } = await train("--file", file, "--out", at("odd.json"));
    expect(code).to.equal(0);
    expect(stdout).to.include("Read 1206 changes; 1200 can be learnt from.");
    expect(stdout).to.include("2 with an outcome other than successful, successful_issues, unsuccessful");
    expect(stdout).to.include("1 without a plannedStart such as 2026-01-31T09:15:30Z");
    expect(stdout).to.include("1 without a closedAt").and.to.include("1 closed before they were to begin");
    expect(stdout).to.include("1 with a number that came before");
  });

  it("takes a success with issues for one that went wrong, and reads incidents where they are counted", async () => {
    const file = at("issues.csv");
    const lines = changes.map((change, each) => {
      const outcome = change.failed ? "successful_issues" : "successful";
      return `${lineOf(change, outcome)},${each % 3}`;
    });
    writeFileSync(file, [`${COLUMNS},incidents`, ...lines].join("\n"));
    const { code, stdout } = await train("--file", file, "--out", at("issues.json"));
    expect(code).to.equal(0);
    expect(stdout)
      .to.include("Of 929 changes, 113 went wrong")
      .and.to.match(/\n {2}incidents +-?0\.\d\d\n/);
  });

  it("ends with 1 and leaves the old model alone where the history does not suffice", async () => {
    const out = at("kept.json");
    writeFileSync(out, "the old one");
    let failed = 0;
    const cases: [file: string, text: string, says: RegExp][] = [
      ["few.csv", exported(changes.slice(0, 700)), /\d+ closed changes are too few to learn from, 500 are needed/],
      [
        "good.csv",
        exported(changes.map((change) => ({ ...change, failed: change.failed && ++failed > 150 }))),
        /\d changes that went wrong are too few to learn from, 30 are needed/,
      ],
      [
        "coin.csv",
        exported(changes.map((change, each) => ({ ...change, failed: (each * 7_919) % 11 === 0 }))),
        /on the last 186 changes the model is not shown to be better than chance; no model was written/,
      ],
    ];
    for (const [name, text] of cases) writeFileSync(at(name), text);
    const ended = await Promise.all(cases.map(([name]) => train("--file", at(name), "--out", out)));
    cases.forEach(([name, , says], each) => {
      expect(ended[each]?.code, name).to.equal(1);
      expect(ended[each]?.stderr, name).to.match(says);
      expect(ended[each]?.stderr, name).to.include("The factors of change-risk.yaml stay in use.");
    });
    expect(readFileSync(out, "utf8")).to.equal("the old one");
  });

  it("refuses what it is not told rightly, or cannot do yet, with what to write instead", async () => {
    const lame = at("lame.csv");
    writeFileSync(lame, "number,ci,group,model,type,planned_start,plannedEnd,closedAt,outcome\n");
    const cases: [args: string[], says: RegExp][] = [
      [[], /--file names no closed changes; name a CSV file/],
      [["--from", "snow", "--since", "2026-01-31"], /--since is for tickets; leave it away with --changes/],
      [
        ["--from", "snow"],
        /closed changes cannot be read from a connection yet; export those of snow as CSV and name the/,
      ],
      [["--file", at("none.csv")], /there is no file .*none\.csv; name a CSV file of closed changes/],
      [["--file", folder], /is no file; name a CSV file/],
      [["--file", csv, "--from", csv], /--file and --from name closed changes twice/],
      [["--file", csv, "--hold-out", "20"], /--hold-out is for tickets/],
      [["--file", csv, "--seed", "3"], /--seed is for tickets/],
      [["--file", csv, "--calibrate"], /--calibrate is for tickets/],
      [["--file", lame], /lame\.csv has no column plannedStart\. .*It has: number, ci/],
    ];
    const ended = await Promise.all(cases.map(([args]) => train(...args, "--out", at("never.json"))));
    cases.forEach(([args, says], each) => {
      expect([ended[each]?.code, ended[each]?.stdout], args.join(" ")).to.deep.equal([2, ""]);
      expect(ended[each]?.stderr, args.join(" ")).to.match(says);
    });
    const tickets = await run(["train", "--file", csv]);
    expect([tickets.code, tickets.stderr]).to.deep.equal([
      2,
      "interlock: --file is for closed changes; add --changes, or name tickets with --from\n",
    ]);
    expect(existsSync(at("never.json"))).to.equal(false);
  });
});
