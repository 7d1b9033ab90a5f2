import type PQueue from "p-queue";
import { digestOf } from "../canonical.ts";
import type { Clock } from "../clock.ts";
import type { Log, Meter } from "../ports.ts";
import type { Breaker } from "./breaker.ts";
import { type Budgets, type Spender, type SpendLine, spendLines } from "./budget.ts";
import { callEntry } from "./entries.ts";
import { costMicros, type Prices, worstCaseMicros } from "./money.ts";
import { type ModelAnswer, type ModelProvider, ProviderError, type ProviderFaultKind } from "./provider.ts";
import type { Mendable, Question } from "./question.ts";
import type { AdviceMemory, StoredAnswer } from "./remembered.ts";
import { isSameModel } from "./same-model.ts";
import type { Unanswered } from "./step.ts";
import type { Storm } from "./storm.ts";

/** A model that can be asked, with what asking it is bound by. */
export interface Member {
  provider: ModelProvider;
  prices: Prices;
  timeoutMs: number;
  /** Further ids that its answers may bear. */
  answersAs: readonly string[];
  breaker: Breaker;
  /** Bounds how many questions it is asked at the same time. */
  queue: Pick<PQueue, "add">;
}

export interface ModelsDeps {
  memory: AdviceMemory;
  budgets: Budgets;
  storm: Storm;
  clock: Clock;
  log: Log;
  meter: Meter;
}

/** Who asks, about which ticket (as the work set names it), and how urgent that is. */
export interface Asker {
  spender: Spender;
  priority: number;
  ticket: string;
}

/** What a call is booked on, and for which ticket. */
interface Account {
  ticket: string;
  lines: readonly SpendLine[];
}

/** What came of asking one model. `called`: something left this machine for it. */
export interface Asked<V> {
  provider: string;
  model: string;
  outcome: { value: V } | { fault: Unanswered };
  /** The model's own words about it, where it was asked just now: untrusted, never kept. */
  rationale?: string;
  costMicros: number;
  called: boolean;
}

/** One call: whether a model answered it at all, and what of its answer it may mend. */
interface Called {
  asked: Asked<Labelled>;
  answered: boolean;
  mend: Mendable | undefined;
}

/** Ends that the same words would come to again: they are kept, so that nobody pays for them twice. */
const LASTING: ReadonlySet<Unanswered> = new Set([
  "refused",
  "cut",
  "empty",
  "invalid",
  "unknown_label",
  "wrong_model",
]);

/** Ends that are about who asks, and when: they say nothing to somebody else with the same words. */
const OWN: ReadonlySet<Unanswered> = new Set(["storm", "over_budget"]);

const FAULTS: Readonly<Record<ProviderFaultKind, Unanswered>> = {
  auth: "auth",
  rejected: "rejected",
  rate_limited: "rate_limited",
  unavailable: "unavailable",
  timeout: "timeout",
  // What answered was no model: a proxy's page, half a body.
  protocol: "invalid",
};

/** Members of closed sets: what of an answer may be kept. */
export type Labelled = Extract<StoredAnswer["outcome"], { value: unknown }>["value"];

/** What an answer may be: members of closed sets, and words for people's eyes that are never kept. */
export type Answer = Labelled & { rationale?: string };

/**
 * Puts questions to models: each question once, within its budget, never to a model that keeps failing, and never trusting
 * what comes back further than its closed answer. Every way in which there is no answer has its reason; none is thrown.
 */
export class Models {
  readonly #deps: ModelsDeps;
  readonly #underWay = new Map<string, Promise<Asked<Labelled>>>();

  constructor(deps: ModelsDeps) {
    this.#deps = deps;
  }

  /** `priority` is the ticket's: in a storm the less urgent ones are not asked about. */
  ask<V extends Answer>(
    member: Member,
    question: Question<V>,
    { spender, priority, ticket }: Asker,
  ): Promise<Asked<Labelled>> {
    const { provider, answersAs } = member;
    const { step, promptVersion, content, schema } = question;
    // A schema is plain JSON; what is not in it is left out like absent keys.
    const digest = digestOf({
      step,
      promptVersion,
      content,
      schema: JSON.stringify(schema),
      provider: provider.name,
      model: provider.model,
      // Whose answer is taken: an admin who adds a name wants to see what comes of it.
      answersAs,
      // An answer that was cut is another one where there is more room.
      outputTokensMax: question.outputTokensMax,
    });
    const same = this.#underWay.get(digest);
    // Somebody asks the very same just now: theirs is the call, and the cost. What kept them from asking is their own.
    if (same)
      return same.then((asked) =>
        "fault" in asked.outcome && OWN.has(asked.outcome.fault)
          ? this.ask(member, question, { spender, priority, ticket })
          : { ...asked, costMicros: 0, called: false },
      );
    const asking = this.#known(member, question, digest).then(
      (known) => known ?? member.queue.add(() => this.#askNow(member, question, { digest, spender, priority, ticket })),
    );
    this.#underWay.set(digest, asking);
    const over = (): void => void this.#underWay.delete(digest);
    asking.then(over, over);
    return asking;
  }

  async #known<V extends Answer>(
    { provider }: Member,
    question: Question<V>,
    digest: string,
  ): Promise<Asked<Labelled> | undefined> {
    const stored = await this.#deps.memory.answer(digest);
    if (!stored) return undefined;
    this.#count(provider.name, question, "stored");
    return { provider: provider.name, model: stored.model, outcome: stored.outcome, costMicros: 0, called: false };
  }

  async #askNow<V extends Answer>(
    member: Member,
    question: Question<V>,
    { digest, spender, priority, ticket }: Asker & { digest: string },
  ): Promise<Asked<Labelled>> {
    const { provider, breaker } = member;
    const nothing = { provider: provider.name, model: "", costMicros: 0, called: false };
    const ended = (fault: Unanswered): Asked<Labelled> => {
      this.#count(provider.name, question, fault);
      return { ...nothing, outcome: { fault } };
    };
    if (this.#deps.storm.holdsBack(priority)) return ended("storm");
    if (!breaker.admit()) return ended("breaker_open");
    const account = { ticket, lines: spendLines(this.#deps.budgets, spender, this.#deps.clock.now()) };
    let called: Called;
    try {
      called = await this.#call(member, question, account);
      if (called.mend && breaker.admit()) {
        const again = await this.#call(member, question, account, called.mend);
        const costs = called.asked.costMicros + again.asked.costMicros;
        // A second try that could not be made, or fails on its way, leaves the first one's end.
        const last = again.answered ? { ...again, mend: undefined } : called;
        called = { ...last, asked: { ...last.asked, costMicros: costs } };
      }
    } catch (error) {
      breaker.gaveUp();
      throw error;
    }
    const { asked: rest, answered, mend } = called;
    this.#count(provider.name, question, "fault" in rest.outcome ? rest.outcome.fault : "used");
    const labels = { provider: provider.name, step: question.step };
    if (rest.costMicros > 0) this.#deps.meter.count("interlock_advice_micros_total", labels, rest.costMicros);
    // What a proxy said, or one try alone, is no word of the model's to hold it to.
    const isFinal = answered && mend === undefined;
    const lasts = "value" in rest.outcome ? question.keeps : isFinal && LASTING.has(rest.outcome.fault);
    // Of two processes that asked at the same time, both go on with the answer that is kept.
    return lasts ? { ...rest, outcome: await this.#keep(digest, question, rest) } : rest;
  }

  /** One call: booked before, settled after, and judged by its closed answer alone. */
  async #call<V extends Answer>(
    member: Member,
    question: Question<V>,
    { ticket, lines }: Account,
    mend?: Mendable,
  ): Promise<Called> {
    const { provider, prices, breaker } = member;
    const nothing = { provider: provider.name, model: "", costMicros: 0, called: false };
    const words = question.words(mend);
    const bytes = Buffer.byteLength(words.system + words.prompt + JSON.stringify(question.schema));
    const worst = worstCaseMicros(bytes, question.outputTokensMax, prices);
    const booked = await this.#deps.memory.reserve(lines, worst);
    if (!booked.reserved) {
      breaker.gaveUp();
      this.#deps.log.warn("a question was not asked: its budget is spent", { ...booked, provider: provider.name });
      return { asked: { ...nothing, outcome: { fault: "over_budget" } }, answered: false, mend: undefined };
    }
    const answer = await this.#answer(member, question, words);
    if (answer instanceof ProviderError) {
      const spent = answer.mayBeCharged ? worst : 0;
      const entry = callEntry(ticket, question, { provider, outcome: FAULTS[answer.kind], costMicros: spent });
      await this.#deps.memory.settleSpend(lines, { reservedMicros: worst, spentMicros: spent, entry });
      breaker.failed(answer.retryAfterMs);
      this.#deps.log.warn("a model could not be asked", {
        provider: provider.name,
        kind: answer.kind,
        status: answer.status,
      });
      const outcome = { fault: FAULTS[answer.kind] };
      return { asked: { ...nothing, costMicros: spent, called: true, outcome }, answered: false, mend: undefined };
    }
    const spent = costMicros(answer.usage, prices);
    const { mend: mendable, ...judged } = this.#judge(member, question, answer);
    const outcome = "fault" in judged.outcome ? judged.outcome.fault : "used";
    const entry = callEntry(ticket, question, { provider, model: judged.model, outcome, costMicros: spent });
    await this.#deps.memory.settleSpend(lines, { reservedMicros: worst, spentMicros: spent, entry });
    breaker.succeeded();
    const asked = { provider: provider.name, costMicros: spent, called: true, ...judged };
    return { asked, answered: true, mend: mendable };
  }

  #judge<V extends Answer>(
    { provider, answersAs }: Member,
    question: Question<V>,
    { model, stop, text }: ModelAnswer,
  ): Pick<Asked<Labelled>, "model" | "outcome" | "rationale"> & { mend?: Mendable } {
    // The name of a stranger may be any text, so nothing keeps it.
    if (!isSameModel(provider.model, model, answersAs)) return { model: "", outcome: { fault: "wrong_model" } };
    if (stop === "refused" || stop === "cut") return { model, outcome: { fault: stop } };
    const read = stop === "other" ? ({ fault: "invalid" } as const) : question.read(text);
    if (!("value" in read)) return { model, outcome: read, mend: read.fault };
    const { rationale, ...value } = read.value;
    return { model, outcome: { value }, ...(rationale && { rationale }) };
  }

  /** The answer, or the ProviderError that there is instead. Ends with the member's time-out, whatever the provider does. */
  async #answer<V>(
    { provider, timeoutMs }: Member,
    { schemaName, schema, outputTokensMax }: Question<V>,
    words: ReturnType<Question<V>["words"]>,
  ): Promise<ModelAnswer | ProviderError> {
    const over = new AbortController();
    const late = new AbortController();
    const timeout = this.#deps.clock.sleep(timeoutMs, late.signal).then((): ProviderError => {
      over.abort();
      const message = `${provider.name} gave no answer within ${timeoutMs} ms`;
      return new ProviderError({ kind: "timeout", provider: provider.name, message, mayBeCharged: true });
    });
    const answer = provider
      .ask({ ...words, schemaName, schema, outputTokensMax, signal: over.signal })
      .catch((error: unknown) => asProviderError(provider.name, error));
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      late.abort();
    }
  }

  async #keep<V>(
    digest: string,
    { step, promptVersion }: Question<V>,
    { provider, model, outcome, costMicros: cost }: Asked<Labelled>,
  ): Promise<Asked<Labelled>["outcome"]> {
    const answer = { digest, step, provider, model, promptVersion, outcome, costMicros: cost };
    return (await this.#deps.memory.keepAnswer(answer)).outcome;
  }

  #count<V>(provider: string, { step }: Question<V>, outcome: string): void {
    this.#deps.meter.count("interlock_advice_total", { provider, step, outcome });
  }
}

/** A provider that breaks its promise is a defect of ours; its question has no answer all the same. */
function asProviderError(provider: string, error: unknown): ProviderError {
  if (error instanceof ProviderError) return error;
  const message = `${provider} failed for a reason of our own`;
  return new ProviderError({ kind: "protocol", provider, message, mayBeCharged: true, cause: error });
}
