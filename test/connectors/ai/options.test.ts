import { expect } from "chai";
import {
  ANSWER,
  faultOf,
  MOST_USED,
  openProviderRig,
  PROMPT,
  PROVIDERS,
  type ProviderRig,
  QUESTION,
} from "../../contract/provider-rig.ts";
import { at } from "../../sim/wire.ts";

/** What a provider sends with these settings changed. */
async function sentBy(name: string, changed: Record<string, unknown>): Promise<unknown> {
  return withRig(name, changed, async (rig) => {
    rig.sim.answer(ANSWER);
    await rig.ask();
    return rig.sim.requests[0]?.body;
  });
}

async function withRig<T>(
  name: string,
  changed: Record<string, unknown>,
  work: (rig: ProviderRig) => Promise<T>,
): Promise<T> {
  const provider = PROVIDERS.find((known) => known.name === name);
  if (provider === undefined) throw new Error(`no provider ${name}`);
  const rig = await openProviderRig(provider, changed);
  try {
    return await work(rig);
  } finally {
    await rig.close();
  }
}

describe("AI providers: what settings change", () => {
  describe("how much a model thinks", () => {
    it("is nothing for Claude unless told, and then its own affair", async () => {
      expect(at(await sentBy("anthropic", {}), "thinking")).to.deep.equal({ type: "disabled" });
      const body = await sentBy("anthropic", { effort: "low" });
      expect(at(body, "thinking")).to.equal(undefined);
      expect(at(body, "output_config", "effort")).to.equal("low");
    });

    it("is told to OpenAI's reasoning models in their word, without a temperature", async () => {
      const body = await sentBy("openai", { model: "gpt-5-mini", effort: "minimal" });
      expect(at(body, "reasoning")).to.deep.equal({ effort: "minimal" });
      expect(at(body, "temperature")).to.equal(undefined);
    });

    it("is told to Gemini as a level, or as a budget of nothing", async () => {
      const config = async (changed: Record<string, unknown>): Promise<unknown> =>
        at(await sentBy("google", changed), "generationConfig", "thinkingConfig");
      expect(await config({})).to.equal(undefined);
      expect(await config({ effort: "none" })).to.deep.equal({ thinkingBudget: 0 });
      expect(await config({ effort: "low" })).to.deep.equal({ thinkingLevel: "low" });
    });

    it("is told to models on Bedrock in the words of their makers", async () => {
      const fields = async (name: string, effort: string): Promise<unknown> =>
        at(await sentBy(name, { effort }), "additionalModelRequestFields");
      expect(await fields("bedrock, signed", "none")).to.deep.equal({ thinking: { type: "disabled" } });
      expect(await fields("bedrock, signed", "low")).to.deep.equal({ output_config: { effort: "low" } });
      expect(await fields("bedrock, by API key", "none")).to.equal(undefined);
      expect(await fields("bedrock, by API key", "low")).to.deep.equal({
        reasoningConfig: { maxReasoningEffort: "low" },
      });
    });

    for (const name of ["snowflake-cortex", "openai-compatible"]) {
      it(`is told to ${name} as reasoning_effort`, async () => {
        expect(at(await sentBy(name, {}), "reasoning_effort")).to.equal(undefined);
        expect(at(await sentBy(name, { effort: "low" }), "reasoning_effort")).to.equal("low");
      });
    }
  });

  for (const name of ["bedrock, signed", "bedrock, by API key", "snowflake-cortex", "openai-compatible"]) {
    it(`${name}: a schema in words stands in the prompt, and nowhere else`, async () => {
      await withRig(name, { structuredOutput: "prompt" }, async (rig) => {
        rig.sim.answer(ANSWER);
        expect((await rig.ask()).text).to.equal(ANSWER);
        const [request] = rig.sim.requests;
        expect(request?.question?.schema).to.equal(undefined);
        expect(request?.question?.system).to.match(/^You put tickets into categories\.\n\n/);
        expect(request?.question?.system).to.include('"enum":["hardware","network"]').and.not.to.include("maximum");
        expect(at(request?.body, "toolConfig")).to.equal(undefined);
      });
    });

    it(`${name}: temperature stays out where a model refuses it`, async () => {
      await withRig(name, { sendTemperature: false }, async (rig) => {
        await rig.ask();
        expect(rig.sim.requests[0]?.question).to.have.property("temperature", undefined);
      });
    });
  }

  it("OpenAI is told to keep nothing", async () => {
    expect(at(await sentBy("openai", {}), "store")).to.equal(false);
  });

  it("the limit is said in the word that the server takes", async () => {
    expect(await sentBy("openai-compatible", {})).to.include({ max_tokens: 300, stream: false });
    const newer = await sentBy("openai-compatible", { outputLimit: "max_completion_tokens" });
    expect(newer).to.include({ max_completion_tokens: 300 }).and.not.to.have.property("max_tokens");
    expect(await sentBy("snowflake-cortex", {})).to.include({ max_completion_tokens: 300 });
  });

  it("Bedrock is held to the schema by Converse itself, which makes no tool of it", async () => {
    const format = at(await sentBy("bedrock, signed", {}), "outputConfig", "textFormat");
    expect(format).to.deep.include({ type: "json_schema" });
    expect(at(format, "structure", "jsonSchema", "name")).to.equal("classify");
  });

  it("a request of Bedrock is signed for its region, with the session's token", async () => {
    await withRig("bedrock, signed", {}, async (rig) => {
      await rig.ask();
      const headers = rig.sim.requests[0]?.headers;
      expect(headers?.["authorization"]).to.match(
        /^AWS4-HMAC-SHA256 Credential=simkey2f9c81d7\/\d{8}\/eu-central-1\/bedrock\/aws4_request, SignedHeaders=[^ ]*x-amz-security-token[^ ]*, Signature=[0-9a-f]{64}$/,
      );
      expect(headers?.["x-amz-security-token"]).to.equal(rig.sim.key);
    });
  });

  it("Google's word on when to come back is taken from the body", async () => {
    await withRig("google", {}, async (rig) => {
      rig.sim.faults.add({ path: /./, kind: "status", status: 429 });
      expect(await rig.fault()).to.include({ kind: "rate_limited", retryAfterMs: 34_070 });
    });
  });

  it("thoughts of Gemini count as output, and what it leaves out counts as nothing", async () => {
    await withRig("google", {}, async (rig) => {
      rig.sim.answer({ text: ANSWER, usage: { inputTokens: 5, outputTokens: 0 } });
      expect((await rig.ask()).usage).to.deep.equal({ inputTokens: 5, outputTokens: 0 });
    });
  });

  const usages: readonly (readonly [Record<string, unknown>, unknown])[] = [
    [{ promptTokenCount: 5, candidatesTokenCount: 2, thoughtsTokenCount: 40, totalTokenCount: 47 }, 42],
    [{ promptTokenCount: 5, candidatesTokenCount: 0, thoughtsTokenCount: 40 }, 40],
    [{ promptTokenCount: 5, totalTokenCount: 5 }, 0],
    // A total that is too small hides nothing.
    [{ promptTokenCount: 5, candidatesTokenCount: 2, thoughtsTokenCount: 40, totalTokenCount: 5 }, 42],
    [{ promptTokenCount: 5, thoughtsTokenCount: 40 }, MOST_USED.outputTokens],
    [{ promptTokenCount: 5 }, MOST_USED.outputTokens],
  ];
  for (const [usageMetadata, outputTokens] of usages) {
    it(`Gemini's ${JSON.stringify(usageMetadata)} is ${outputTokens} tokens of output`, async () => {
      await withRig("google", {}, async (rig) => {
        const body = { candidates: [{ finishReason: "STOP" }], usageMetadata };
        rig.sim.faults.add({ path: /./, kind: "status", status: 200, body });
        expect((await rig.ask()).usage).to.deep.equal({ inputTokens: 5, outputTokens });
      });
    });
  }

  it("a prompt that Gemini blocks is refused", async () => {
    await withRig("google", {}, async (rig) => {
      const body = { promptFeedback: { blockReason: "SAFETY" }, modelVersion: "gemini-2.5-flash" };
      rig.sim.faults.add({ path: /./, kind: "status", status: 200, body });
      expect((await rig.ask()).stop).to.equal("refused");
    });
  });

  it("Gemini cannot be made to ask again and again", async () => {
    await withRig("google", {}, async (rig) => {
      const body = {
        candidates: [{ finishReason: "CONTINUATION", continuationToken: "again", content: { parts: [{ text: "a" }] } }],
      };
      rig.sim.faults.add({ path: /./, kind: "status", status: 200, body, times: 5 });
      expect(await rig.fault()).to.include({ kind: "protocol", mayBeCharged: true });
      expect(rig.sim.requests).to.have.length(1);
    });
  });

  it("what was read from or written to a cache counts as input", async () => {
    await withRig("anthropic", {}, async (rig) => {
      const usage = {
        input_tokens: 5,
        cache_creation_input_tokens: 30,
        cache_read_input_tokens: 200,
        output_tokens: 7,
      };
      const body = { type: "message", model: "claude-haiku-5-5", content: [], stop_reason: "end_turn", usage };
      rig.sim.faults.add({ path: /./, kind: "status", status: 200, body });
      expect((await rig.ask()).usage).to.deep.equal({ inputTokens: 235, outputTokens: 7 });
    });
    await withRig("bedrock, signed", {}, async (rig) => {
      const usage = {
        inputTokens: 5,
        cacheReadInputTokens: 200,
        cacheWriteInputTokens: 30,
        outputTokens: 7,
        totalTokens: 242,
      };
      const body = { output: { message: { role: "assistant", content: [] } }, stopReason: "end_turn", usage };
      rig.sim.faults.add({ path: /./, kind: "status", status: 200, body });
      expect((await rig.ask()).usage).to.deep.equal({ inputTokens: 235, outputTokens: 7 });
    });
  });

  it("a question that cannot be put into the provider's form is not asked, and costs nothing", async () => {
    await withRig("google", {}, async (rig) => {
      const schema = { type: "object", properties: { category: { enum: [PROMPT, 1] } } };
      const { signal } = new AbortController();
      const fault = await faultOf(rig.provider.ask({ ...QUESTION, schema, signal }));
      expect(fault).to.include({ kind: "rejected", status: undefined, mayBeCharged: false });
      expect(rig.sim.requests).to.have.length(0);
    });
  });

  it("an error names the call as the provider does, and takes no other words of its", async () => {
    await withRig("anthropic", {}, async (rig) => {
      rig.sim.faults.add({ path: /./, kind: "status", status: 500, headers: { "request-id": "req_01ABC" } });
      expect((await rig.fault()).message).to.equal(
        "main answered with 500: it is overloaded or in trouble (its request req_01ABC)",
      );
      rig.sim.faults.add({ path: /./, kind: "status", status: 500, headers: { "request-id": "see http://a" } });
      expect((await rig.fault()).message).to.equal("main answered with 500: it is overloaded or in trouble");
    });
  });
});
