import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { boundOf } from "../../core/advice/calibration/calibration.ts";
import { readCalibrations } from "../../core/advice/calibration/file.ts";
import { openClassify } from "../../core/advice/local/model.ts";
import { prng } from "../support/prng.ts";
import { run } from "./command.ts";

/** What is looked at of what --json prints. */
interface Printed {
  file: string;
  leftOut: number;
  fields: {
    field: string;
    calibration: { method: string; overall: { tickets: number; errors: number } };
    sentence: string;
    coverage: { targetBp: number; tickets: number }[];
    unknownLabels: { label: string; tickets: number }[];
  }[];
}

const SUBJECTS: Record<string, string[]> = {
  Access: ["password", "login", "account", "locked", "reset", "permission"],
  Hardware: ["laptop", "screen", "keyboard", "battery", "dock", "broken"],
  Network: ["vpn", "wifi", "slow", "cable", "router", "offline"],
};
const CHATTER = ["please", "hello", "urgent", "today", "office", "thanks", "again", "team", "need", "help"];

/** Tickets as a desk writes them: words of their subject among others, and now and then a label that is wrong. */
function csv(count: number, seed: number, rename: (label: string) => string = (label) => label): string {
  const random = prng(seed);
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? "";
  const labels = Object.keys(SUBJECTS);
  const lines = Array.from({ length: count }, (_, at) => {
    const subject = pick(labels);
    const words = [
      ...Array.from({ length: 3 }, () => pick(SUBJECTS[subject] ?? [])),
      ...Array.from({ length: 4 }, () => pick(CHATTER)),
    ];
    const label = random() < 0.01 ? pick(labels) : subject;
    // A word of its own makes each text another; digits would all read the same.
    const own = `${seed} ${at}`.replace(/\d/g, (digit) => String.fromCharCode(97 + Number(digit))).replace(" ", "z");
    return `"${words.join(" ")} ${own}",${rename(label)}`;
  });
  return ["description,category", ...lines, ""].join("\n");
}

describe("interlock calibrate", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(180_000);
  let folder: string;
  const path = (name: string): string => join(folder, name);
  const columns = ["--text", "description", "--label", "category=category"];
  const calibrate = (from: string, ...args: string[]) =>
    run(["calibrate", "--from", path(from), ...columns, "--model", path("desk.model"), ...args]);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "interlock-calibrate-"));
    const old = csv(900, 1);
    writeFileSync(path("old.csv"), old);
    writeFileSync(path("newer.csv"), old + csv(700, 2).split("\n").slice(1).join("\n"));
    const trained = await run([
      "train",
      "--from",
      path("old.csv"),
      ...columns,
      "--out",
      path("desk.model"),
      "--hold-out",
      "0",
    ]);
    expect(trained.code, trained.stderr).to.equal(0);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("measures tickets that the model was not trained on, in words and as a curve", async () => {
    const ended = await calibrate("newer.csv", "--out", path("a.json"), "--html", path("a.html"));
    expect([ended.code, ended.stderr.split("\n").at(-2)]).to.deep.equal([
      0,
      `calibrate: reading ${path("newer.csv")}, 100 %`,
    ]);
    expect(ended.stdout).to.match(/At ≤ 2 % error the desk handles .+ by itself, at ≤ 5 % \d+\.\d %\./);
    expect(ended.stdout).to.include("900 different ones left out whose text the model was trained on");
    expect(ended.stdout).to.include(`Written: ${path("a.html")}`);
    expect(readFileSync(path("a.html"), "utf8")).to.include('<path class="curve"');
    expect(readFileSync(path("a.html"), "utf8")).not.to.include("password");
  });

  it("writes beside the model, with --json, what bounds of its answers are read from", async () => {
    const ended = await calibrate("newer.csv", "--target", "2%", "--json");
    expect(ended.code).to.equal(0);
    const { file, leftOut, fields } = JSON.parse(ended.stdout) as Printed; // our own output
    expect([file, leftOut]).to.deep.equal([`${path("desk.model")}.calibration.json`, 900]);
    const [category] = fields;
    expect([category?.field, category?.calibration.method, category?.calibration.overall.tickets]).to.deep.equal([
      "category",
      "held_out",
      700,
    ]);
    expect(category?.calibration.overall.errors).to.be.within(1, 100);
    expect(category?.sentence).to.match(/^At ≤ 2 % error/);
    const opened = openClassify(readFileSync(path("desk.model")));
    if ("fault" in opened) throw new Error(opened.message);
    const calibrations = readCalibrations(readFileSync(file, "utf8"), opened.checksum);
    if ("fault" in calibrations || !calibrations.category) throw new Error("the file that was written is refused");
    const [answer] = opened.model.predict("please reset the password of my account, I am locked out").category ?? [];
    expect(boundOf(calibrations.category, answer?.label ?? "", answer?.score ?? 0)).to.be.within(100, 500);
  });

  it("refuses tickets that can show nothing, says why, and writes no result", async () => {
    writeFileSync(path("few.csv"), csv(20, 3));
    writeFileSync(path("parts.csv"), csv(300, 1));
    writeFileSync(
      path("other.csv"),
      csv(300, 4, (label) => `Team ${label}`),
    );
    writeFileSync(path("empty.csv"), "description,category\n");
    const cases: [from: string, says: RegExp][] = [
      ["old.csv", /trained on all tickets of .*old\.csv.*bring others, or run interlock train --calibrate/],
      ["parts.csv", /trained on every text of .*parts\.csv; bring tickets that were closed since/],
      ["few.csv", /category: .*few\.csv holds 20 answers .* fewer than 29 cannot even show an error of ≤ 10 %/],
      [
        "other.csv",
        /category: 300 of 300 tickets have labels that the model does not know, such as Team \w+; name the column/,
      ],
      ["empty.csv", /empty\.csv holds no ticket/],
    ];
    const ended = await Promise.all(cases.map(([from]) => calibrate(from, "--out", path("never.json"))));
    cases.forEach(([from, says], at) => {
      expect([ended[at]?.code, ended[at]?.stdout], from).to.deep.equal([1, ""]);
      expect(ended[at]?.stderr, from).to.match(says);
    });
    expect(existsSync(path("never.json"))).to.equal(false);
  });

  it("warns of labels that the model does not know and of those without enough tickets", async () => {
    writeFileSync(
      path("renamed.csv"),
      csv(300, 5, (label) => (label === "Network" ? "Connectivity" : label)),
    );
    const ended = await calibrate("renamed.csv", "--out", path("b.json"));
    expect(ended.code).to.equal(0);
    expect(ended.stdout).to.match(
      /tickets have labels that the model does not know.*counts as wrong: Connectivity \(\d+\)\. Train it again/,
    );
    expect(ended.stdout).to.match(
      /Only suggested at ≤ 5 %:\n(.*\n)* {2}Network: \d+ answers, \d+ of them wrong; even the best-scored/,
    );
  });

  it("refuses options that cannot be meant", async () => {
    const bytes = readFileSync(path("desk.model"));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path("torn.model"), bytes);
    const cases: [args: string[], code: number, says: RegExp][] = [
      [["--model", path("none.model")], 2, /no model .*none\.model; train one with interlock train/],
      [["--model", path("torn.model")], 1, /torn\.model cannot be used: it has changed since it was written/],
      [["--label", "service=category"], 2, /does not answer service; it answers category/],
      [["--target", "five"], 2, /--target five is not an error that can be allowed; write it as 5%/],
      [["--target", "0%"], 2, /--target 0% is not an error/],
      [["--out", join(path("desk.model"), "a.json")], 2, /--out .* cannot be written/],
      [["--html", folder], 2, /--html .* is no file/],
    ];
    const ended = await Promise.all(cases.map(([args]) => calibrate("newer.csv", ...args)));
    cases.forEach(([args, code, says], at) => {
      expect([ended[at]?.code, ended[at]?.stdout], args.join(" ")).to.deep.equal([code, ""]);
      expect(ended[at]?.stderr, args.join(" ")).to.match(says);
    });
  });

  it("measures what was held out of the very tickets that the model was trained on", async () => {
    const out = path("held.model");
    const trained = await run(["train", "--from", path("old.csv"), ...columns, "--out", out, "--hold-out", "50"]);
    expect(trained.stdout).to.match(/Every answer is a suggestion until .* run interlock calibrate/);
    const ended = await run(["calibrate", "--from", path("old.csv"), ...columns, "--model", out, "--json"]);
    expect(ended.code, ended.stderr).to.equal(0);
    const { leftOut, fields } = JSON.parse(ended.stdout) as Printed; // our own output
    expect(leftOut).to.be.within(400, 500);
    expect(fields[0]?.calibration.overall.tickets).to.equal(900 - leftOut);
  });

  it("is done by train --calibrate without holding any ticket back", async () => {
    const train = (...args: string[]) =>
      run(["train", "--from", path("old.csv"), ...columns, "--out", path("whole.model"), ...args]);
    const ended = await train("--calibrate", "--html", path("c.html"));
    expect(ended.code, ended.stderr).to.equal(0);
    expect(ended.stdout).to.match(/900 learnt from, 0 held out/);
    expect(ended.stdout).to.match(
      /category: 900 answers to texts that the answering model had not seen, 9\d\.\d % of them right/,
    );
    expect(ended.stdout).to.include(`Written: ${path("whole.model")}.calibration.json`);
    expect(existsSync(path("c.html"))).to.equal(true);
    const opened = openClassify(readFileSync(path("whole.model")));
    if ("fault" in opened) throw new Error(opened.message);
    const calibrations = readCalibrations(
      readFileSync(`${path("whole.model")}.calibration.json`, "utf8"),
      opened.checksum,
    );
    expect(calibrations).to.have.nested.property("category.method", "cross_fitted");
    for (const [args, says] of [
      [["--calibrate", "--hold-out", "20"], /--calibrate measures every ticket and holds none out/],
      [["--html", path("d.html")], /--html and --target are about what --calibrate measures; add it/],
    ] as const) {
      const refused = await train(...args);
      expect([refused.code, refused.stdout]).to.deep.equal([2, ""]);
      expect(refused.stderr).to.match(says);
    }
  });
});
