/**
 * Nothing that people or models wrote stands at rest, and no secret: each byte of what is left on the disk after
 * everything has happened is looked through for words that stood in tickets alone.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { run } from "../cli/command.ts";
import { madeUpTickets } from "../core/advice/local/tickets.ts";
import { madeUpChanges } from "../core/risk/changes.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { startAiSim } from "../sim/ai.ts";
import { filesBelow, formsOf, tracesOf } from "../support/at-rest.ts";
import { writeConfigFolder } from "../support/config-folder.ts";
import {
  entered,
  everythingHappens,
  SECRETS,
  settingsOf,
  TEXTS,
  talkative,
  UNKNOWN_VALUE,
} from "./scenarios/canaries.ts";
import { atDesk, SYSTEMS, type System } from "./scenarios/desk.ts";

/** In tickets and changes that models learn from. */
const LEARNT = ["canaryclosedtext", "canaryclosednumber", "canaryclosedplan"];
const ALL = [...TEXTS, ...SECRETS, ...LEARNT];

/** What the ledger tells of a day on which everything happened. */
const HAPPENED = [
  ...["asked", "granted", "refused", "void", "answer_refused"].map((event) => `"event":"${event}"`),
  ...["classify", "assess_change", "summarise_for_approver"].map((step) => `"step":"${step}"`),
  ...['"kind":"config"', '"kind":"revoked"', '"kind":"check"', '"kind":"stop"', '"rollback/back"'],
];

interface Left {
  /** Where the store is, and a copy of it that was made while it was worked on. */
  folder: string;
  /** The risky change: `connection/key`, and its last decision. */
  ticket: string;
  decision: string;
}

/** A day at a desk, and what it leaves; what people saw must show that it was a full one. */
async function dayAt(system: System, folder: string): Promise<Left> {
  const ai = await startAiSim("compatible");
  ai.answer(talkative);
  const [log, left] = [recordingLog(), { folder, ticket: "", decision: "" }];
  const options = settingsOf(ai, `file:${join(folder, "interlock.db")}`);
  try {
    await atDesk(system, { ...options, startAt: "2026-03-02T09:00:00Z", entered, log }, async (desk) => {
      const change = await everythingHappens(desk, ai, options);
      left.ticket = `${system === "Jira" ? "jira" : "snow"}/${change.key}`;
      left.decision = (await change.decision()).id;
      const shown = JSON.stringify(ai.requests.map(({ question }) => question?.prompt));
      for (const word of ["canarytitlequolt", "canarybackoutquolt"]) expect(shown, "to the model").to.contain(word);
      cpSync(folder, `${folder}-while-it-ran`, { recursive: true });
      writeFileSync(join(folder, "metrics.txt"), await desk.rig.server.metrics.render());
    });
  } finally {
    await ai.close();
  }
  cpSync(`${folder}-while-it-ran`, join(folder, "while-it-ran"), { recursive: true });
  expect(log.lines.length, "the log was not silent").to.be.above(10);
  writeFileSync(join(folder, "server.log"), log.text());
  return left;
}

/** What an operator and an auditor take from the ledger, all below `<folder>/taken`. */
async function takeEvidence({ folder, ticket, decision }: Left, beside: string): Promise<void> {
  const out = join(folder, "taken");
  mkdirSync(out);
  const nowhere = { snowUrl: "http://127.0.0.1:9", jiraUrl: "http://127.0.0.1:9" };
  const { config, mappings } = writeConfigFolder(beside, { ...nowhere, store: `file:${join(folder, "interlock.db")}` });
  const commands = [
    ["ledger", "export", "--out", join(out, "whole.ndjson")],
    ["ledger", "export", "--ticket", ticket, "--out", join(out, "part.ndjson")],
    ["ledger", "prove", "--ticket", ticket, "--out", join(out, "ticket.json")],
    ["ledger", "prove", "--decision", decision, "--out", join(out, "decision.json")],
    [
      "ledger",
      "report",
      "--from",
      "2000-01-01",
      "--to",
      "2999-01-01",
      "--html",
      join(out, "report.html"),
      "--csv",
      join(out, "csv"),
    ],
    ["explain", ticket],
    ["parked"],
  ];
  for (const [at, args] of commands.entries()) {
    const { code, stdout, stderr } = await run([...args, "--config", config, "--mappings", mappings]);
    expect(code, `${args.join(" ")}: ${stderr}`).to.equal(0);
    writeFileSync(join(out, `said-${at}.txt`), stdout + stderr);
  }
}

describe("No text at rest", function (this: Mocha.Suite) {
  this.timeout(90_000);
  let top: string;
  before(() => {
    top = mkdtempSync(join(tmpdir(), "interlock-canaries-"));
  });
  after(() => rmSync(top, { recursive: true, force: true }));

  for (const system of SYSTEMS)
    it(`no word of a ticket, person or model and no secret is in store, log, exports, proofs and reports (${system})`, async () => {
      const folder = join(top, system);
      mkdirSync(folder);
      const left = await dayAt(system, folder);
      await takeEvidence(left, join(top, `${system}-config`));
      const ledger = readFileSync(join(folder, "taken", "whole.ndjson"), "utf8").replaceAll("\\", "");
      // ServiceNow does not ask whoever wants it, so there nobody's answer is refused.
      const due = HAPPENED.filter((each) => system === "Jira" || !each.includes("answer_refused"));
      for (const happened of due) expect(ledger, "the day was a full one").to.contain(happened);
      const atRest = filesBelow(folder);
      expect([...atRest.keys()]).to.include.members(["interlock.db", "interlock.db.key", "interlock.db.checkpoints"]);
      expect(tracesOf(ALL, atRest)).to.deep.equal([]);
      // The very bytes that hold no text do hold what the documents allow.
      expect(tracesOf(["Network Operations"], atRest)).to.include("Network Operations in taken/whole.ndjson");
      if (system === "ServiceNow")
        expect(tracesOf([UNKNOWN_VALUE], atRest)).to.include(`${UNKNOWN_VALUE} in interlock.db by its values`);
    });

  it("is in no model, calibration or report that is learnt from texts", async () => {
    const folder = join(top, "learnt");
    mkdirSync(folder);
    const beside = join(top, "learnt-from");
    mkdirSync(beside);
    const [word = "", number = "", plan = ""] = LEARNT;
    const tickets = (count: number, seed: number): string =>
      [
        "number,title,details,kind",
        ...madeUpTickets(count, seed).map(
          ({ text, labels }, at) => `${number}${at},${word},${text} ${word},${labels.category}`,
        ),
      ].join("\n");
    writeFileSync(join(beside, "old.csv"), tickets(400, 1));
    writeFileSync(join(beside, "new.csv"), tickets(400, 2));
    const changes = madeUpChanges(1_200).map(
      ({ ci, group, model, type, plannedStart, plannedEnd, closedAt, failed }, at) =>
        [
          `${number}${at}`,
          `${word}${ci}`,
          `${word}${group}`,
          model,
          type,
          plannedStart,
          plannedEnd,
          closedAt,
          failed ? "unsuccessful" : "successful",
          plan,
        ].join(","),
    );
    const head = "number,ci,group,model,type,plannedStart,plannedEnd,closedAt,outcome,backoutPlan";
    writeFileSync(join(beside, "changes.csv"), [head, ...changes].join("\n"));
    const columns = ["--text", "title,details", "--label", "category=kind"];
    const model = join(folder, "classify.model");
    const commands = [
      [
        "train",
        "--from",
        join(beside, "old.csv"),
        ...columns,
        "--out",
        model,
        "--calibrate",
        "--html",
        join(folder, "train.html"),
      ],
      [
        "calibrate",
        "--from",
        join(beside, "new.csv"),
        ...columns,
        "--model",
        model,
        "--html",
        join(folder, "calibrate.html"),
      ],
      ["train", "--changes", "--file", join(beside, "changes.csv"), "--out", join(folder, "change-risk.model.json")],
    ];
    for (const [at, args] of commands.entries()) {
      const { code, stdout, stderr } = await run(args);
      expect(code, `${args.join(" ")}: ${stderr}`).to.equal(0);
      writeFileSync(join(folder, `said-${at}.txt`), stdout + stderr);
    }
    expect(tracesOf(LEARNT, filesBelow(beside)), "what was learnt from").to.have.length(7);
    expect(tracesOf(ALL, filesBelow(folder))).to.deep.equal([]);
  });

  it("would be found in each form, in any file, and in a value that a database has cut in two", () => {
    const folder = join(top, "planted");
    mkdirSync(folder);
    const [word = ""] = TEXTS;
    for (const [at, form] of formsOf(word).entries())
      writeFileSync(join(folder, `form-${at}`), `...${form}...`, "latin1");
    for (const before of ["", "a", "ab", "abc"])
      writeFileSync(join(folder, `base64-${before}`), Buffer.from(`${before}${word} and more`).toString("base64"));
    writeFileSync(join(folder, "wide"), Buffer.from(`said: ${word}`, "utf16le"));
    writeFileSync(join(folder, "loud"), word.toUpperCase());
    const db = new DatabaseSync(join(folder, "cut.db"));
    db.exec("create table texts (text text)");
    db.prepare("insert into texts values (?)").run(`${"-".repeat(100_000)}${word.repeat(2_000)}`);
    db.close();
    const names = [...filesBelow(folder).keys()];
    expect(names.length).to.be.above(15);
    expect(tracesOf([word, "canarynevermentioned"], filesBelow(folder))).to.deep.equal(
      names.map((name) => `${word} in ${name}`),
    );
    writeFileSync(join(folder, "clean"), readFileSync(import.meta.filename, "latin1").slice(0, 200));
    expect(tracesOf([word], filesBelow(folder))).to.have.length(names.length);
  });
});
