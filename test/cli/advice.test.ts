import { expect } from "chai";
import { openAdvice } from "../../cli/advice.ts";
import { AiSettings } from "../../core/config/ai.ts";
import { openSqliteRig } from "../contract/sqlite-rig.ts";
import { SPENDER, wakingClock } from "../core/advice/asking.ts";
import { change } from "../core/support/changes.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { AI_KEY, startAiSim } from "../sim/ai.ts";

const CHANGE = change({}, { title: "Swap the core switch" });

interface Opened {
  adviser: Awaited<ReturnType<typeof openAdvice>>["adviser"];
  prompts(): string[];
}

/** Advice as settings open it, with one model that answers every step in its form. */
async function withAdvice(settings: object, test: (opened: Opened) => Promise<void>): Promise<void> {
  const [ai, rig] = [await startAiSim("compatible"), await openSqliteRig({ unsynced: true })];
  ai.answer(({ prompt, system }) =>
    `${system}${prompt}`.includes("- summary:")
      ? JSON.stringify({ summary: "A switch is swapped" })
      : JSON.stringify({ factors: ["no-test"], rationale: "Nothing says so" }),
  );
  const main = {
    ...{
      type: "openai-compatible",
      baseUrl: `${ai.url}/v1`,
      allowPrivateAddress: true,
      model: "small",
      apiKey: AI_KEY,
    },
    prices: { inputPerMillion: "0", outputPerMillion: "0" },
  };
  const labels = { risk_factors: [{ id: "no-test", means: "Nobody says how it is tested" }] };
  const deps = { store: rig.store, clock: wakingClock(), log: recordingLog(), meter: { count: () => undefined } };
  const ids = { short: () => "0123456789abcdef" };
  const parsed = AiSettings.parse({ providers: { main }, labels, ...settings });
  const { adviser, close } = await openAdvice(parsed, { ...deps, ids, restored: () => [] });
  try {
    await test({ adviser, prompts: () => ai.requests.map(({ question }) => question?.prompt ?? "") });
  } finally {
    await close();
    await rig.close();
    await ai.close();
  }
}

const chain = { chain: ["main", "person"] };
const both = { assess_change: chain, summarise_for_approver: chain };
const spender = { ...SPENDER, step: "assess_change" as const };

describe("advice as interlock.yaml has it", () => {
  it("asks about changes and for approvers where those steps have a chain, and classifies nothing then", async () => {
    await withAdvice({ steps: both }, async ({ adviser, prompts }) => {
      const { fact } = await adviser.assess(CHANGE, spender);
      expect(fact).to.deep.equal({ factors: ["no-test"], by: "main:small" });
      const { words } = await adviser.summarise(CHANGE, { ...SPENDER, step: "summarise_for_approver" });
      expect(words).to.equal("A switch is swapped");
      expect(prompts()).to.have.length(2);
      for (const prompt of prompts()) expect(prompt).to.contain("Swap the core switch").and.contain("Put it back.");
      const { unadvised } = await adviser.classify(CHANGE, { wanted: ["category"], spender: SPENDER });
      expect([unadvised, prompts().length]).to.deep.equal(["disabled", 2]);
    });
  });

  it("asks nobody about changes without a chain, without risk factors to choose from, or with AI off", async () => {
    for (const settings of [{}, { steps: both, labels: {} }, { steps: both, enabled: false }])
      await withAdvice(settings, async ({ adviser, prompts }) => {
        expect(await adviser.assess(CHANGE, spender)).to.deep.equal({ fact: null });
        expect(prompts()).to.deep.equal([]);
      });
  });
});
