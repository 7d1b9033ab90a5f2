import { expect } from "chai";
import { AI_KEY, type AiSim, type AiWireName, startAiSim } from "./ai.ts";
import { at, readAnswer, type WireAnswer } from "./wire.ts";

const SCHEMA = {
  type: "object",
  properties: { category: { type: "string", enum: ["a", "b"] } },
  required: ["category"],
  additionalProperties: false,
};
const SYSTEM = "You sort.";
const PROMPT = "Printer on fire";
const format = { type: "json_schema", json_schema: { name: "sort", strict: true, schema: SCHEMA } };
const messages = [
  { role: "system", content: SYSTEM },
  { role: "user", content: PROMPT },
];

/** A request as the vendor documents it, and where in the answer its words stand. */
const WIRES: Readonly<
  Record<AiWireName, { path: string; headers: Record<string, string>; body: Record<string, unknown>; text: string[] }>
> = {
  anthropic: {
    path: "/v1/messages",
    headers: { authorization: `Bearer ${AI_KEY}`, "anthropic-version": "2023-06-01" },
    body: {
      model: "m",
      max_tokens: 9,
      system: SYSTEM,
      messages: [{ role: "user", content: PROMPT }],
      output_config: { format: { type: "json_schema", schema: SCHEMA } },
    },
    text: ["content", "1", "text"],
  },
  openai: {
    path: "/v1/responses",
    headers: { authorization: `Bearer ${AI_KEY}` },
    body: {
      model: "m",
      input: [
        { role: "system", content: SYSTEM },
        { role: "user", content: [{ type: "input_text", text: PROMPT }] },
      ],
      max_output_tokens: 9,
      text: { format: { type: "json_schema", strict: true, name: "sort", schema: SCHEMA } },
    },
    text: ["output", "1", "content", "0", "text"],
  },
  google: {
    path: "/v1beta/models/m:generateContent",
    headers: { "x-goog-api-key": AI_KEY },
    body: {
      systemInstruction: { parts: [{ text: SYSTEM }] },
      contents: [{ role: "user", parts: [{ text: PROMPT }] }],
      generationConfig: {
        maxOutputTokens: 9,
        responseMimeType: "application/json",
        responseSchema: { type: "object", properties: { category: { type: "string", enum: ["a", "b"] } } },
      },
    },
    text: ["candidates", "0", "content", "parts", "0", "text"],
  },
  bedrock: {
    path: "/model/m/converse",
    headers: { authorization: `Bearer ${AI_KEY}` },
    body: {
      system: [{ text: SYSTEM }],
      messages: [{ role: "user", content: [{ text: PROMPT }] }],
      inferenceConfig: { maxTokens: 9 },
      outputConfig: {
        textFormat: {
          type: "json_schema",
          structure: { jsonSchema: { name: "sort", schema: JSON.stringify(SCHEMA) } },
        },
      },
    },
    text: ["output", "message", "content", "0", "text"],
  },
  cortex: {
    path: "/api/v2/cortex/v1/chat/completions",
    headers: { authorization: `Bearer ${AI_KEY}` },
    body: { model: "m", messages, max_completion_tokens: 9, stream: false, response_format: format },
    text: ["choices", "0", "message", "content"],
  },
  compatible: {
    path: "/v1/chat/completions",
    headers: { "api-key": AI_KEY },
    body: { model: "m", messages, max_tokens: 9, stream: false, response_format: format },
    text: ["choices", "0", "message", "content"],
  },
};

for (const name of Object.keys(WIRES) as AiWireName[]) {
  describe(`simulated models: ${name}`, () => {
    const wire = WIRES[name];
    let sim: AiSim;
    beforeEach(async () => {
      sim = await startAiSim(name);
    });
    afterEach(() => sim.close());

    async function post(changed: {
      path?: string;
      headers?: Record<string, string>;
      body?: unknown;
    }): Promise<WireAnswer> {
      const headers = { "content-type": "application/json", ...(changed.headers ?? wire.headers) };
      const body = JSON.stringify(changed.body ?? wire.body);
      return readAnswer(await fetch(`${sim.url}${changed.path ?? wire.path}`, { method: "POST", headers, body }));
    }

    it("answers what it is told to, to whoever asks in the vendor's form, and notes the question", async () => {
      sim.answer(({ prompt }) => `about ${prompt}`);
      const { status, body } = await post({});
      expect(status).to.equal(200);
      expect(at(body, ...wire.text)).to.equal(`about ${PROMPT}`);
      expect(sim.requests[0]?.question).to.include({ model: "m", system: SYSTEM, prompt: PROMPT, outputTokensMax: 9 });
    });

    it("refuses a wrong key, another address, and words that the sidecar has no business to send", async () => {
      expect((await post({ headers: {} })).status).to.equal(401);
      expect((await post({ path: "/v1/elsewhere" })).status).to.equal(404);
      expect((await post({ body: { ...wire.body, tools: [] } })).status).to.equal(400);
      expect((await post({ body: { ...wire.body, metadata: { user: "a" } } })).status).to.equal(400);
      expect((await post({ body: [] })).status).to.equal(400);
    });

    it("refuses a schema with a word that some providers do not take", async () => {
      const text = JSON.stringify(wire.body).replaceAll(/(\\?")enum\\?":/g, "$1maxLength$1:9,$1enum$1:");
      expect((await post({ body: JSON.parse(text) })).status).to.equal(400);
    });

    it("repeats the question in its errors", async () => {
      sim.faults.add({ path: /./, kind: "status", status: 503 });
      const answer = await post({});
      expect(answer.status).to.equal(503);
      expect(answer.text).to.include(PROMPT);
    });
  });
}
