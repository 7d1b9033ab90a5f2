/**
 * Providers of models, small enough to read: one server per wire, a model that answers what a test tells it to, and the
 * faults of all simulators. How they differ from the real ones: README.md beside this file.
 */
import type { Request, RequestHandler } from "express";
import { anthropicWire } from "./ai-anthropic.ts";
import { bedrockWire } from "./ai-bedrock.ts";
import { compatibleWire, cortexWire } from "./ai-chat.ts";
import { googleWire } from "./ai-google.ts";
import { openAiWire } from "./ai-openai.ts";
import type { AiAnswer, AiQuestion, AiRequest, AiWire } from "./ai-wire.ts";
import type { Faults } from "./faults.ts";
import { createFaultPlan } from "./faults.ts";
import { parseBody, startSimServer } from "./sim-server.ts";

export type { AiAnswer, AiQuestion, AiRequest } from "./ai-wire.ts";

const WIRES = {
  anthropic: anthropicWire,
  openai: openAiWire,
  google: googleWire,
  bedrock: bedrockWire,
  cortex: cortexWire,
  compatible: compatibleWire,
} satisfies Record<string, AiWire>;
export type AiWireName = keyof typeof WIRES;

/** A model as a test plays it: one answer for all, or one that depends on the question. Its text alone will do. */
export type AiModel = string | Partial<AiAnswer> | ((question: AiQuestion) => string | Partial<AiAnswer>);

export interface AiSim {
  url: string;
  /** What the sidecar may log in with: an API key, a token, or the id of an access key. */
  key: string;
  /** Everything that reached it, in order, whatever became of it. */
  requests: AiRequest[];
  /** From now on. Until then the model says nothing. */
  answer(model: AiModel): void;
  /** Resolves when so many requests have arrived in all. */
  arrived(count: number): Promise<void>;
  faults: Faults;
  close(): Promise<void>;
}

export const AI_KEY = "simkey2f9c81d7";
const USAGE = { inputTokens: 120, outputTokens: 30 };

/** Listens on loopback. Its errors repeat the question's words, as those of some vendors do. */
export async function startAiSim(wireName: AiWireName, options: { port?: number } = {}): Promise<AiSim> {
  const wire = WIRES[wireName];
  const requests: AiRequest[] = [];
  const waiting = new Set<() => void>();
  const plan = createFaultPlan();
  let model: AiModel = "";

  const headersOf = (req: Request): AiRequest["headers"] =>
    Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]));
  const note: RequestHandler = (req, res, next) => {
    const parsed = parseBody(req);
    const body = "value" in parsed ? parsed.value : undefined;
    const read = wire.read(req.path, body);
    const question = read === null || "refused" in read ? undefined : read;
    requests.push({ path: req.path, headers: headersOf(req), body, question });
    res.locals["read"] = read;
    for (const look of waiting) look();
    next();
  };
  const api: RequestHandler = (req, res) => {
    const read: ReturnType<AiWire["read"]> = res.locals["read"]; // set by note on every request
    const words = read !== null && "prompt" in read ? read.prompt : "no question";
    if (!wire.isLoggedIn(headersOf(req), AI_KEY)) res.status(401).json(wire.errorBody(401, words));
    else if (read === null || req.method !== "POST") res.status(404).json(wire.errorBody(404, words));
    else if ("refused" in read) res.status(400).json(wire.errorBody(400, `${read.refused} (${words})`));
    else res.json(wire.answer(read, answerOf(model, read)));
  };

  const server = await startSimServer({
    port: options.port ?? 0,
    now: () => 0,
    faults: plan,
    before: note,
    errorBody: (status) => wire.errorBody(status, requests.at(-1)?.question?.prompt ?? "no question"),
    state: () => ({ requests }),
    clearFaults: () => plan.clear(),
    api,
  });
  return {
    url: server.url,
    key: AI_KEY,
    requests,
    answer(next) {
      model = next;
    },
    arrived(count) {
      if (requests.length >= count) return Promise.resolve();
      return new Promise((resolve) => {
        const look = (): void => {
          if (requests.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      });
    },
    faults: plan,
    close: () => server.close(),
  };
}

function answerOf(model: AiModel, question: AiQuestion): AiAnswer {
  const said = typeof model === "function" ? model(question) : model;
  const answer = typeof said === "string" ? { text: said } : said;
  return { text: "", model: question.model, stop: "complete", usage: USAGE, ...answer };
}
