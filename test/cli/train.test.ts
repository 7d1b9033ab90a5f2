import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import type { TrainingMade } from "../../cli/training-report.ts";
import { openSealed } from "../../core/advice/local/file.ts";
import { madeUpTickets, opened } from "../core/advice/local/tickets.ts";
import { run } from "./command.ts";

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

/** Closed tickets as an export has them; the team is the same for all, the room is empty. */
function exported(count: number): string {
  const lines = madeUpTickets(count).map(({ text, labels }) => {
    const [title, ...rest] = text.split(" ");
    return [title, `größer ${rest.join(" ")}, "again"\nthanks`, labels.category, labels.service, "IT", ""].map((cell) =>
      quoted(cell ?? ""),
    );
  });
  return ["title,details,kind,offering,team,room", ...lines.map((cells) => cells.join(","))].join("\r\n");
}

function weightsOf(path: string): Uint8Array {
  const sealed = openSealed(readFileSync(path), "classify");
  if ("fault" in sealed) throw new Error(sealed.message);
  return sealed.payload;
}

describe("interlock train", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(120_000);
  let folder: string;
  let csv: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "interlock-train-"));
    csv = join(folder, "closed.csv");
    writeFileSync(csv, exported(400));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const at = (name: string): string => join(folder, name);
  const train = (...args: string[]) => run(["train", ...args]);

  it("writes a model from a packed file, says what it is worth, and makes the same weights again", async () => {
    const packed = at("closed.csv.gz");
    writeFileSync(packed, gzipSync(`\ufeff${exported(400)}`));
    const fields = ["--text", "title, details", "--label", "category=kind", "--label", "service=offering"];
    const [one, two] = [at("new/folder/one.model"), at("two.model")];
    const first = await train("--from", packed, ...fields, "--out", one, "--json");
    expect([first.code, first.stderr.split("\n").at(-2)]).to.deep.equal([0, "train: learning, 100 %"]);
    const made = JSON.parse(first.stdout) as TrainingMade; // our own output
    expect(made).to.deep.include({ file: one, seed: 1, holdOutPercent: 20, read: 400, unusable: 0, withoutLabels: [] });
    expect(made.heads.map(({ field, labels }) => [field, labels.length])).to.deep.equal([
      ["category", 4],
      ["service", 4],
    ]);
    for (const { heldOut } of made.heads) expect((heldOut?.correct ?? 0) / (heldOut?.tickets ?? 1)).to.be.above(0.9);
    const bytes = readFileSync(one);
    expect(bytes.length).to.equal(made.bytes);
    expect(opened(bytes).model.predict("the wifi is slow").category?.[0]?.label).to.equal("Network");
    expect(readdirSync(at("new/folder"))).to.deep.equal(["one.model"]);

    const second = await train("--from", csv, ...fields, "--out", two, "--seed", "1");
    expect(second.code).to.equal(0);
    expect(weightsOf(two)).to.deep.equal(weightsOf(one));
    expect(second.stdout).to.include(`sha256 ${made.dataDigest}, seed 1`).and.to.include(`Written: ${two}`);
    expect(second.stdout).to.match(/category .* 4 .* \d+\.\d % of \d+ \(always the commonest: \d+\.\d %\)/);
  });

  it("goes on without a field that cannot be learnt, and says what to do about it", async () => {
    const fields = ["category=kind", "intent=title", "service=team", "assignment_group=room"];
    const out = at("some.model");
    const labels = fields.flatMap((each) => ["--label", each]);
    const { code, stdout } = await train(
      "--from",
      csv,
      "--text",
      "details",
      ...labels,
      "--hold-out",
      "0",
      "--out",
      out,
    );
    expect(code).to.equal(0);
    expect(stdout).to.include("none held out").and.to.include("400 learnt from, 0 held out");
    expect(stdout).to.include("service: not learnt, as only IT has 5 tickets or more");
    expect(stdout).to.include("assignment_group: not learnt, as no ticket has a label");
    expect(Object.keys(opened(readFileSync(out)).model.predict("wifi"))).to.deep.equal(["category", "intent"]);
  });

  it("ends with 1 and leaves the old model alone where there is nothing to learn", async () => {
    const out = at("kept.model");
    const [empty, bare, odd, torn] = [at("empty.csv"), at("bare.csv"), at("latin1.csv"), at("torn.csv.gz")];
    writeFileSync(out, "the old one");
    writeFileSync(empty, "");
    writeFileSync(bare, "title,kind\n,Hardware\nno label,\n");
    writeFileSync(odd, Buffer.from("title,kind\nDrucker für Büro,Hardware\n", "latin1"));
    writeFileSync(torn, gzipSync(exported(100)).subarray(0, 300));
    const cases: [from: string, label: string, says: RegExp][] = [
      [empty, "category=kind", /empty\.csv holds no ticket below the names/],
      [bare, "category=kind", /none of the 2 tickets of .*bare\.csv has both a text \(title\) and a label \(kind\)/],
      [odd, "category=kind", /latin1\.csv is not a CSV file that can be read: it is not UTF-8 text; export or save it/],
      [torn, "category=kind", /torn\.csv\.gz is not a CSV file that can be read: /],
      [csv, "service=team", /there is nothing to learn; no model was written/],
    ];
    const ended = await Promise.all(
      cases.map(([from, label]) => train("--from", from, "--text", "title", "--label", label, "--out", out)),
    );
    cases.forEach(([from, , says], each) => {
      expect(ended[each]?.code, from).to.equal(1);
      expect(ended[each]?.stderr, from).to.match(says);
    });
    expect(readFileSync(out, "utf8")).to.equal("the old one");
  });

  it("refuses what it is not told rightly, with what to write instead", async () => {
    mkdirSync(at("taken"));
    const twice = at("twice.csv");
    writeFileSync(twice, "title,kind,kind\na,b,c\n");
    const usual = { "--from": csv, "--text": "title", "--label": "category=kind" };
    const cases: [changed: Record<string, string>, says: RegExp][] = [
      [
        { "--from": "snow" },
        /no file snow; export closed tickets as CSV\. Reading them from a connection is not built yet/,
      ],
      [{ "--from": folder }, /is no file; name a CSV file/],
      [{ "--text": "titel" }, /closed\.csv has no column titel\. Did you mean "title"\? It has: title, details, kind/],
      [{ "--text": "title,,kind" }, /--text title,,kind names no column/],
      [{ "--text": "title,kind" }, /the column kind is in --text and is what category is learnt from/],
      [{ "--label": "category=knd" }, /has no column knd\. Did you mean "kind"\?/],
      [
        { "--label": "categroy=kind" },
        /there is no field categroy\. Did you mean "category"\? There are: category, service/,
      ],
      [{ "--label": "category" }, /--label category names no column; write it as category=column/],
      [{ "--from": twice }, /twice\.csv has two columns kind/],
      [{ "--hold-out": "51" }, /--hold-out 51 is not a whole number from 0 to 50/],
      [{ "--seed": "-1" }, /--seed -1 is not a whole number/],
      [{ "--out": at("taken") }, /taken is no file/],
      [{ "--out": join(csv, "x.model") }, /--out .* cannot be written: .*Name a file in a folder that can be/],
    ];
    const ended = await Promise.all(
      cases.map(([changed]) =>
        train(
          ...Object.entries({ "--out": at("never.model"), ...usual, ...changed }).flatMap(([option, value]) => [
            `${option}=${value}`,
          ]),
        ),
      ),
    );
    cases.forEach(([changed, says], each) => {
      const name = JSON.stringify(changed);
      expect([ended[each]?.code, ended[each]?.stdout], name).to.deep.equal([2, ""]);
      expect(ended[each]?.stderr, name).to.match(says);
    });
    const both = await train(
      "--from",
      csv,
      "--text",
      "title",
      "--label",
      "category=kind",
      "--label",
      "category=offering",
    );
    expect([both.code, both.stderr]).to.deep.equal([
      2,
      "interlock: --label names category twice; one column can be learnt from\n",
    ]);
    expect(existsSync(at("never.model"))).to.equal(false);
  });
});
