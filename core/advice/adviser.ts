import type { Draft } from "../ledger/entry.ts";
import type { AdviceFact, AssessmentFact } from "../policy/facts.ts";
import { type Ticket, ticketId } from "../ticket.ts";
import type { Spender } from "./budget.ts";
import { type Bounds, byOf, type Link } from "./chain.ts";
import { Classification, isAudited } from "./classify.ts";
import { adviceEntry, assessedLabels, classifiedLabels, type EntryLabels } from "./entries.ts";
import type { Answer, Asked, Labelled, Models } from "./models.ts";
import type { Question } from "./question.ts";
import type { ClassifyField, Step, Unanswered } from "./step.ts";

/** Who is asked one thing, in turn, and in which words. An empty chain: nobody. */
export interface Consulted {
  chain: readonly Link[];
  questionAbout(ticket: Ticket): Question<Answer>;
}

/** The chain and the question about tickets are those of a classification. */
export interface AdviserDeps extends Consulted {
  models: Models;
  bounds: Bounds;
  /** A field that is answered with at most this error needs nobody further down the chain; in hundredths of a percent. */
  settlesBp: number;
  securityCategories: ReadonlySet<string>;
  /** Share of the decisions that could go by themselves and that a person is given to look at, in hundredths of a percent. */
  auditBp: number;
  /** Secret of this installation that the audit sample is drawn with. */
  auditSeed: string;
  /** The cleaned text of a ticket, as the local model was trained on it. */
  textOf(ticket: Ticket): string;
  /** About the risk of changes; absent where nobody is to be asked. */
  assess?: Consulted | undefined;
  /** For whoever approves; likewise. */
  summarise?: Consulted | undefined;
}

/** What came of asking for advice. */
export interface Advice {
  fact: AdviceFact | null;
  /** Why there is none. */
  unadvised?: Unanswered;
  /** The model's own words, where it was asked just now: for people's eyes, escaped and labelled, and never kept. */
  words?: string;
  /** What the ledger is to hold with the decision; each call that was made stands there already, with its cost. */
  entry?: Draft;
}

/** What came of asking about a change. */
export type Assessment = Pick<Advice, "entry"> & { fact: AssessmentFact | null };

/** A ticket in a model's own words: untrusted, for people's eyes and nothing else. */
export type Summary = Pick<Advice, "words" | "entry">;

/** One thing that is asked about a ticket. */
interface Asking extends Consulted {
  spender: Spender;
  /** Nobody further is asked. */
  isSettled(): boolean;
  /** Takes over what a model answered. */
  answered(by: string, value: Labelled): void;
  /** Asks the classifier of this machine, where it may answer. */
  askLocal?(link: Extract<Link, { kind: "local" }>): Tried;
}

interface Told {
  tried: readonly Tried[];
  /** Absent where no model was reached. */
  question: Question<Answer> | undefined;
}

/** Asks about tickets: whoever is cheapest first, and nobody further once all that is wanted is settled. */
export class Adviser {
  readonly #deps: AdviserDeps;

  constructor(deps: AdviserDeps) {
    this.#deps = deps;
  }

  /** `wanted` are the fields that some rule reads: about others nobody is asked. Never throws but for the store's trouble. */
  async classify(
    ticket: Ticket,
    { wanted, spender }: { wanted: readonly ClassifyField[]; spender: Spender },
  ): Promise<Advice> {
    const { chain, questionAbout, bounds, securityCategories, settlesBp, auditBp, auditSeed } = this.#deps;
    const known = new Classification(bounds, securityCategories);
    const told = await this.#ask(ticket, {
      ...{ chain, questionAbout, spender },
      isSettled: () => known.unsettled(wanted, settlesBp).length === 0,
      answered: (by, value) => known.addModel(by, value),
      askLocal: (link) => this.#askLocal(link, ticket, known),
    });
    const plain = known.fact(false);
    const audited = plain !== undefined && isAudited(auditSeed, ticketId(ticket.ref), plain, auditBp);
    const fact = plain ? { ...plain, audited } : null;
    const unadvised: Unanswered | undefined = fact ? undefined : (lastFault(told.tried) ?? "disabled");
    const words = told.tried.map(({ asked }) => asked?.rationale).findLast((each) => each !== undefined);
    const entry = entryOf(ticket, "classify", told, classifiedLabels(fact));
    return { fact, ...(unadvised && { unadvised }), ...(words !== undefined && { words }), ...entry };
  }

  /** Which risk factors a change shows, by the first of the chain that answers. Never throws but for the store's trouble. */
  async assess(ticket: Ticket, spender: Spender): Promise<Assessment> {
    const { assess } = this.#deps;
    if (!assess) return { fact: null };
    const facts: AssessmentFact[] = [];
    const told = await this.#ask(ticket, {
      ...{ ...assess, spender },
      isSettled: () => facts.length > 0,
      answered: (by, { factors }) => void (Array.isArray(factors) && facts.push({ factors, by })),
    });
    const [fact = null] = facts;
    return { fact, ...entryOf(ticket, "assess_change", told, assessedLabels(fact)) };
  }

  /** A ticket summed up for whoever approves, by the first of the chain that answers. Never throws but for the store's trouble. */
  async summarise(ticket: Ticket, spender: Spender): Promise<Summary> {
    const { summarise } = this.#deps;
    if (!summarise) return {};
    const texts: string[] = [];
    const told = await this.#ask(ticket, {
      ...{ ...summarise, spender },
      isSettled: () => texts.length > 0,
      answered: (_by, { summary }) => void (typeof summary === "string" && texts.push(summary)),
    });
    const [words] = texts;
    // The ledger holds no word of a model's own.
    return { ...(words !== undefined && { words }), ...entryOf(ticket, "summarise_for_approver", told, {}) };
  }

  /** Puts a question to those of a chain, in turn, until it is settled or left to a person. */
  async #ask(ticket: Ticket, { chain, questionAbout, spender, isSettled, answered, askLocal }: Asking): Promise<Told> {
    const tried: Tried[] = [];
    let question: Question<Answer> | undefined;
    for (const link of chain) {
      if (isSettled()) break;
      if (link.kind === "person") {
        tried.push({ provider: "person", model: "", outcome: "person" });
        break;
      }
      if (link.kind === "local") {
        if (askLocal) tried.push(askLocal(link));
        continue;
      }
      question ??= questionAbout(ticket);
      if (question.isBlank) {
        tried.push({ provider: link.member.provider.name, model: "", outcome: "unsure" });
        continue;
      }
      const asked = await this.#deps.models.ask(link.member, question, {
        spender,
        priority: ticket.priority,
        ticket: ticketId(ticket.ref),
      });
      const { provider, outcome, model } = asked;
      if ("value" in outcome) answered(byOf(provider, model), outcome.value);
      tried.push({ provider, model, outcome: "value" in outcome ? "used" : outcome.fault, asked });
    }
    return { tried, question };
  }

  #askLocal({ name, model }: Extract<Link, { kind: "local" }>, ticket: Ticket, known: Classification): Tried {
    if (!model) return { provider: name, model: "", outcome: "no_model" };
    const predicted = model.predict(this.#deps.textOf(ticket));
    known.addLocal(byOf(name, model.id), predicted);
    const outcome = Object.keys(predicted).length > 0 ? "used" : "unsure";
    return { provider: name, model: model.id, outcome };
  }
}

/** What the ledger is to hold of it; nothing where nobody was tried. */
function entryOf(ticket: Ticket, step: Step, { tried, question }: Told, labels: EntryLabels): { entry?: Draft } {
  return tried.length === 0 ? {} : { entry: adviceEntry(ticket, step, question, { tried, labels }) };
}

interface Tried {
  provider: string;
  model: string;
  outcome: "used" | Unanswered;
  asked?: Asked<Labelled>;
}

/** Why there is no answer: what the last one that was asked says, and that a person is next only where nobody was. */
function lastFault(tried: readonly Tried[]): Unanswered | undefined {
  const faults = tried.flatMap(({ outcome }) => (outcome === "used" ? [] : [outcome]));
  const own = faults.filter((fault) => fault !== "person");
  return own.at(-1) ?? (tried.some(({ outcome }) => outcome === "used") ? "unsure" : faults.at(-1));
}
