import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { calibrate } from "../../core/advice/calibration/calibrate.ts";
import { writeCalibrations } from "../../core/advice/calibration/file.ts";
import { byOf } from "../../core/advice/chain.ts";
import { SCORE_MAX } from "../../core/advice/score.ts";
import { sha256Hex } from "../../core/canonical.ts";
import type { Decision } from "../../core/decision.ts";
import { answers, PROVENANCE } from "../core/advice/calibration/calibrations.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { AI_KEY, type AiSim, startAiSim } from "../sim/ai.ts";
import type { RigOptions } from "../support/rig.ts";
import { BETH, expectLedgerHolds, expectRouted, onStage, type Stage, type Ticket } from "./stage.ts";

const MODEL = "qwen3:8b";
const ANSWER = { category: "Network", security_related: false, rationale: "The tunnel does not come up." };
/** No word of these tickets is known to a rule: only a model can say where they go. */
const BY_ADVICE = `rules:
  - { id: ai-network, why: A model sees the network, when: 'advice.category == "Network"', then: { assign: { group: Network Operations } } }
default: { id: rest, why: Everybody else, then: { assign: { group: Service Desk } } }
`;
const SEEN = { short_description: "The tunnel does not come up", description: "Since this morning." };

interface Advised extends Stage {
  ai: AiSim;
  log: ReturnType<typeof recordingLog>;
  decision(ticket: Ticket): Promise<Decision | undefined>;
}

/** A stage with a model that answers well, measured or not, until the play says otherwise. */
async function withAdvice(
  { measured = false, ai: more = {}, ...options }: RigOptions & { measured?: boolean },
  play: (stage: Advised) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "interlock-advice-"));
  const calibration = join(folder, "main.json");
  const modelDigest = sha256Hex(byOf("main", MODEL));
  const judged = answers("Network", SCORE_MAX, { right: 500 });
  const category = calibrate(judged, { ...PROVENANCE, modelDigest, confidenceBp: 9_500 });
  writeFileSync(calibration, writeCalibrations({ category }));
  const ai = await startAiSim("compatible");
  ai.answer(JSON.stringify(ANSWER));
  const main = {
    ...{ type: "openai-compatible", baseUrl: `${ai.url}/v1`, allowPrivateAddress: true, model: MODEL },
    ...{ apiKey: `\${file:ai-key}`, prices: { inputPerMillion: "1", outputPerMillion: "5" } },
  };
  const settings = {
    providers: { main },
    labels: { category: ["Network", "Security"], security_categories: ["Security"] },
    steps: { classify: { chain: ["main", "person"] } },
    budgets: { day: "10" },
    ...(measured && { calibrations: { main: calibration } }),
    ...more,
  };
  const log = recordingLog();
  try {
    await onStage({ routing: BY_ADVICE, ...options, ai: settings, deps: { log } }, async (stage) => {
      const decision = async ({ connection, key }: Ticket) =>
        (await stage.rig.server.store.view(connection, key))?.decision;
      await play({ ...stage, ai, log, decision });
    });
  } finally {
    await ai.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A ticket that went by advice alone. A few of them are drawn for the audit sample, which is no fault. */
async function automatic(stage: Advised, connection: "snow" | "jira"): Promise<Ticket> {
  for (let tried = 0; tried < 6; tried += 1) {
    const text = `The tunnel does not come up, case ${tried}`;
    const ticket = connection === "snow" ? stage.snow({ short_description: text }) : stage.jira({ summary: text });
    await stage.rig.settled();
    const limit = (await stage.decision(ticket))?.advice?.limit;
    expect(limit).to.be.oneOf([null, "audit"]);
    if (limit === null) return ticket;
  }
  throw new Error("the audit sample took six tickets in a row");
}

async function bodies(stage: Stage, kind: string): Promise<unknown[]> {
  return (await stage.entries()).filter((each) => each.kind === kind).map(({ body }): unknown => JSON.parse(body));
}

describe("Advice, from a webhook to a note", () => {
  for (const connection of ["snow", "jira"] as const)
    it(`assigns a ticket by a measured answer, and the note says who said so and how sure it is (${connection})`, async () => {
      await withAdvice({ measured: true }, async (stage) => {
        const ticket = await automatic(stage, connection);
        expectRouted(ticket);
        const [note = ""] = ticket.notes();
        expect(note).to.match(/AI advised category Network \(wrong in at most \d+(\.\d)? %\)/);
        expect(note).to.contain("It decided where the ticket goes (allowed: 5 %).");
        expect(note).to.contain(`AI text: ${ANSWER.rationale}`);
        expect(await stage.kinds(ticket)).to.include.members(["advice", "decision", "action", "receipt"]);
        const kinds = await stage.kinds(ticket);
        expect(kinds.indexOf("advice")).to.be.below(kinds.indexOf("decision"));
        const [advice] = await bodies(stage, "advice");
        expect(advice).to.deep.include({ costMicros: 120 + 5 * 30 });
        await expectLedgerHolds(stage);
      });
    });

  it("only suggests what nobody has measured, and leaves the ticket where the rules put it", async () => {
    await withAdvice({}, async (stage) => {
      const ticket = stage.snow(SEEN);
      await stage.rig.settled();
      expect(ticket.group()).to.equal("Service Desk");
      const [note = ""] = ticket.notes();
      expect(note).to.contain("AI suggests (not written) Assignment group:").and.to.contain("-> Network Operations");
      expect(note).to.contain("A person decides: how often such an answer is wrong is not measured yet");
    });
  });

  it("adds a gate where a model fears for security, and nothing is assigned before it is answered", async () => {
    await withAdvice({}, async (stage) => {
      stage.ai.answer(JSON.stringify({ ...ANSWER, category: "Security", security_related: true }));
      const ticket = stage.snow(SEEN);
      await stage.rig.settled();
      expect((await stage.decision(ticket))?.gates.map(({ rule }) => rule)).to.include("security-needs-a-person");
      expect(ticket.group()).to.equal("");
    });
  });

  it("is asked for once: another look at the ticket costs nothing and says the same", async () => {
    await withAdvice({ measured: true }, async (stage) => {
      const ticket = await automatic(stage, "snow");
      const asked = stage.ai.requests.length;
      ticket.touch();
      await stage.rig.settled();
      expect(stage.ai.requests).to.have.length(asked);
      expectRouted(ticket);
    });
  });
});

describe("Advice that is not to be had", () => {
  const known = { short_description: "VPN is down" };

  it("unavailable: its provider is down, the rules go on, and the note says so", async () => {
    await withAdvice({ routing: readFileSync("config/policy/routing.yaml", "utf8") }, async (stage) => {
      stage.ai.faults.add({ path: /./, kind: "status", status: 503 });
      const ticket = stage.snow(known);
      await stage.rig.settled();
      expectRouted(ticket);
      expect(ticket.notes()[0]).to.contain("AI gave no advice: the model cannot be reached.");
      expect(stage.ai.requests).to.have.length(1);
    });
  });

  it("disabled: nobody is asked, the rules go on, and the note says so", async () => {
    const routing = readFileSync("config/policy/routing.yaml", "utf8");
    await withAdvice({ routing, ai: { enabled: false } }, async (stage) => {
      const ticket = stage.snow(known);
      await stage.rig.settled();
      expectRouted(ticket);
      expect(ticket.notes()[0]).to.contain("AI gave no advice: it is switched off.");
      expect(stage.ai.requests).to.be.empty;
    });
  });

  it("over_budget: nobody is asked, the rules go on, and the note says so", async () => {
    const routing = readFileSync("config/policy/routing.yaml", "utf8");
    await withAdvice({ routing, ai: { budgets: { day: "0" } } }, async (stage) => {
      const ticket = stage.snow(known);
      await stage.rig.settled();
      expectRouted(ticket);
      expect(ticket.notes()[0]).to.contain("AI gave no advice: its budget is spent.");
      expect(stage.ai.requests).to.be.empty;
    });
  });
});

describe("What advice turned out to be", () => {
  for (const [final, correct] of [
    ["network", true],
    ["hardware", false],
  ] as const)
    it(`is recorded once people close the ticket: ${correct ? "right" : "wrong"}`, async () => {
      await withAdvice({ measured: true }, async (stage) => {
        const ticket = await automatic(stage, "snow");
        const done = { state: "7", category: final, close_code: "Solved", close_notes: "Done" };
        stage.rig.snow.update("incident", ticket.id, done, BETH.snow);
        await stage.rig.settled();
        ticket.touch();
        await stage.rig.settled();
        const outcomes = (await stage.entries(ticket)).filter(({ kind }) => kind === "outcome");
        expect(outcomes.map(({ body }): unknown => JSON.parse(body))).to.deep.equal([
          {
            ...{ field: "category", label: "Network", by: byOf("main", MODEL), automatic: true, audited: false },
            ...{ targetBp: 500, final, correct },
          },
        ]);
      });
    });
});

describe("Text of a ticket that a model was shown", () => {
  /** Of the ticket; and of the model, which a note may show and nothing else. */
  const [TEXT, WORDS] = [["kumquat", "tamarillo", "winter.private"], ["rambutan"]];

  it("stands nowhere at rest, whatever the model made of it, and the model's words in notes alone", async () => {
    await withAdvice({ measured: true }, async (stage) => {
      const { rig, ai, log } = stage;
      const good = { ...ANSWER, rationale: "rambutan" };
      const said = (text: string) => () => ai.answer(text);
      const ways: (() => void)[] = [
        said(JSON.stringify(good)),
        said(JSON.stringify({ ...good, category: "kumquat rambutan" })),
        said(JSON.stringify({ ...good, rambutan: "kumquat" })),
        said("kumquat tamarillo rambutan"),
        () => ai.answer({ text: "kumquat", stop: "refused" }),
        () => ai.answer({ text: JSON.stringify(good), model: "rambutan-kumquat" }),
        () => ai.faults.add({ path: /./, kind: "status", status: 400 }),
        () => ai.faults.add({ path: /./, kind: "status", status: 429 }),
        () => ai.faults.add({ path: /./, kind: "html", body: "<h1>kumquat rambutan</h1>" }),
      ];
      for (const [at, way] of ways.entries()) {
        way();
        stage.snow({
          short_description: `The kumquat does not come up, ${at}`,
          description: "tamarillo winter.private@example.com",
        });
        await rig.settled();
      }
      expect(ai.requests.some(({ question }) => question?.prompt.includes("kumquat"))).to.equal(true);
      expect(JSON.stringify(ai.requests.map(({ question }) => question))).not.to.contain("winter.private");
      const notes = rig.snow.rows("incident").map(({ sys_id }) => rig.snow.journal(sys_id).map(({ value }) => value));
      expect(JSON.stringify(notes)).to.contain("AI text: rambutan");
      const outputs: Record<string, string> = {
        log: log.text(),
        ledger: JSON.stringify(await stage.entries()),
        metrics: await rig.server.metrics.render(),
        database: ["interlock.db", "interlock.db-wal"]
          .map((name) => readFileSync(join(rig.folder, name), "latin1"))
          .join(""),
      };
      for (const [place, told] of Object.entries(outputs))
        for (const word of [...TEXT, ...WORDS, AI_KEY])
          expect(told.toLowerCase().includes(word.toLowerCase()), `"${word}" in the ${place}`).to.equal(false);
      for (const word of [...TEXT, AI_KEY]) expect(JSON.stringify(notes)).not.to.contain(word);
      expect(await bodies(stage, "advice")).to.have.length.at.least(ways.length);
    });
  });
});
