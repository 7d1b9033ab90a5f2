import PQueue from "p-queue";
/** Models as a test plays them, behind a real store and a clock that only moves when told. */
import { Breaker, type BreakerSettings } from "../../../core/advice/breaker.ts";
import { type Budgets, type Spender, spanAt } from "../../../core/advice/budget.ts";
import type { Answer } from "../../../core/advice/models.ts";
import { type Member, Models } from "../../../core/advice/models.ts";
import type { Prices } from "../../../core/advice/money.ts";
import { PromptFields } from "../../../core/advice/prompt-fields.ts";
import {
  type ModelAnswer,
  type ModelProvider,
  type ModelRequest,
  ProviderError,
} from "../../../core/advice/provider.ts";
import type { Question } from "../../../core/advice/question.ts";
import { questionAbout } from "../../../core/advice/question-about.ts";
import type { Step } from "../../../core/advice/step.ts";
import { Storm, type StormSettings } from "../../../core/advice/storm.ts";
import type { Clock } from "../../../core/clock.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { START_MS } from "../../contract/store-rig.ts";
import { type RecordingLog, recordingLog } from "../../routes/recording-log.ts";
import { ticketWith } from "../support/tickets.ts";
import { CLASSIFIED, SETS } from "./answers.ts";

export const MODEL = "scripted-1";
export const GOOD = JSON.stringify(CLASSIFIED);
export const USAGE = { inputTokens: 1_000, outputTokens: 100 };
/** A micro for a token in, two for one out: what a call costs is seen at once. */
export const PRICES: Prices = { inputPerMillion: 1_000_000, outputPerMillion: 2_000_000 };
/** Of a call that used `USAGE`. */
export const COST = 1_200;

export type Played = string | Partial<ModelAnswer>;
export type Play = (request: ModelRequest, call: number) => Played | Promise<Played>;

export interface Scripted extends ModelProvider {
  requests: ModelRequest[];
}

/** A provider that answers what it is told, by the number of the call from 1 on. */
export function scripted(play: Play, name = "main"): Scripted {
  const requests: ModelRequest[] = [];
  return {
    name,
    model: MODEL,
    requests,
    async ask(request) {
      requests.push(request);
      const played = await play(request, requests.length);
      const answer = typeof played === "string" ? { text: played } : played;
      return { text: GOOD, model: MODEL, stop: "complete", usage: USAGE, ...answer };
    },
    close: async () => {},
  };
}

export function fault(given: Partial<ConstructorParameters<typeof ProviderError>[0]> = {}): Promise<never> {
  const message = "it did not answer";
  return Promise.reject(
    new ProviderError({ kind: "unavailable", provider: "main", message, mayBeCharged: false, ...given }),
  );
}

export interface WakingClock extends Clock {
  /** Moves the clock and wakes who slept until then. */
  advance(ms: number): void;
  readonly sleepers: number;
}

export function wakingClock(startMs = START_MS): WakingClock {
  let nowMs = startMs;
  const asleep = new Map<() => void, number>();
  return {
    now: () => nowMs,
    get sleepers() {
      return asleep.size;
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          asleep.delete(wake);
          resolve();
        };
        asleep.set(wake, nowMs + ms);
        signal?.addEventListener("abort", wake);
      }),
    advance(ms) {
      nowMs += ms;
      for (const [wake, atMs] of [...asleep]) if (atMs <= nowMs) wake();
    },
  };
}

export const NO_CAPS: Budgets = { steps: {}, connections: {}, teams: {} };
export const SPENDER: Spender = { step: "classify", connection: "snow", team: "" };
export const TIMEOUT_MS = 60_000;

export interface AskingOptions {
  budgets?: Partial<Budgets>;
  storm?: StormSettings;
  breaker?: BreakerSettings;
}

export interface Asking {
  rig: SqliteRig;
  clock: WakingClock;
  log: RecordingLog;
  /** What was counted, as `name provider/step/outcome` and the like. */
  counted: string[];
  /** Another gateway on the same store, as after a restart. */
  models(): Models;
  member(provider: ModelProvider, given?: Partial<Member>): Member;
  /** Micros and calls on the account of all, of the day. */
  spent(): Promise<{ micros: number; calls: number }>;
  close(): Promise<void>;
}

export async function openAsking({ budgets, storm, breaker }: AskingOptions = {}): Promise<Asking> {
  const rig = await openSqliteRig({ unsynced: true });
  const clock = wakingClock();
  const log = recordingLog();
  const counted: string[] = [];
  const meter = { count: (name: string, labels: object) => counted.push([name, ...Object.values(labels)].join(" ")) };
  return {
    ...{ rig, clock, log, counted },
    models: () =>
      new Models({
        memory: rig.store,
        budgets: { ...NO_CAPS, ...budgets },
        storm: new Storm(clock, storm ?? { questionsPerMinute: 1_000, keepPriority: 2 }),
        ...{ clock, log, meter },
      }),
    member: (provider, given) => ({
      ...{ provider, prices: PRICES, timeoutMs: TIMEOUT_MS, answersAs: [] },
      breaker: new Breaker(clock, breaker ?? { failuresMax: 3, restMs: 60_000 }),
      queue: new PQueue({ concurrency: 100 }),
      ...given,
    }),
    async spent() {
      const lines = await rig.store.spent([spanAt(clock.now(), "day")]);
      const { micros = 0, calls = 0 } = lines.find(({ scope }) => scope === "all") ?? {};
      return { micros, calls };
    },
    close: () => rig.close(),
  };
}

/** The question of the shipped settings about a ticket that has this title. */
export function questionOf(title = "VPN is no", patch: Partial<Ticket> = {}): Question<Answer> {
  return questionFor(ticketWith({ title, ...patch }));
}

export function questionFor(ticket: Ticket): Question<Answer> {
  return stepQuestion("classify", ticket);
}

/** What the shipped settings ask at a step. */
export function stepQuestion(step: Step, ticket: Ticket): Question<Answer> {
  return questionAbout({
    ...{ step, ticket, fields: PromptFields.parse({})[step], labels: SETS.labels },
    ...{ outputTokensMax: 600, nonce: () => "0123456789abcdef" },
  });
}

/** Lets everything that waits for nothing but the store come to its end. */
export async function untilAsleep(clock: WakingClock, sleepers = 1): Promise<void> {
  for (let turn = 0; clock.sleepers < sleepers; turn += 1) {
    if (turn > 10_000) throw new Error(`${clock.sleepers} calls are under way where ${sleepers} were expected`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
