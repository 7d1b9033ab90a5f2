import type { Draft } from "../ledger/entry.ts";
import type { AdviceFact } from "../policy/facts.ts";
import { type Ticket, ticketId } from "../ticket.ts";
import type { Spender } from "./budget.ts";
import { type Bounds, byOf, type Link } from "./chain.ts";
import { Classification, isAudited } from "./classify.ts";
import { adviceEntry } from "./entries.ts";
import type { Answer, Asked, Labelled, Models } from "./models.ts";
import type { Question } from "./question.ts";
import type { ClassifyField, Unanswered } from "./step.ts";

export interface AdviserDeps {
  models: Models;
  /** Who is asked for a classification, in turn. Empty: AI is off. */
  chain: readonly Link[];
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
  questionAbout(ticket: Ticket): Question<Answer>;
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

/** Puts the other questions to the models of their chains, in turn: the first that answers is enough. */
export async function askChain<V extends Answer>(
  { models }: Pick<AdviserDeps, "models">,
  {
    chain,
    question,
    ticket,
    spender,
  }: { chain: readonly Link[]; question: Question<V>; ticket: Ticket; spender: Spender },
): Promise<{ value: Labelled; rationale?: string } | { fault: Unanswered }> {
  const tried: Tried[] = [];
  for (const link of chain) {
    if (link.kind !== "model") continue;
    if (question.isBlank) return { fault: "unsure" };
    const asked = await models.ask(link.member, question, {
      spender,
      priority: ticket.priority,
      ticket: ticketId(ticket.ref),
    });
    const { provider, model, outcome, rationale } = asked;
    tried.push({ provider, model, outcome: "value" in outcome ? "used" : outcome.fault, asked });
    if (!("value" in outcome)) continue;
    return { value: outcome.value, ...(rationale !== undefined && { rationale }) };
  }
  return { fault: lastFault(tried) ?? (chain.length > 0 ? "person" : "disabled") };
}

/** Classifies tickets: whoever is cheapest first, and nobody further once all that the rules want is settled. */
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
    const { chain, bounds, securityCategories, settlesBp, auditBp, auditSeed } = this.#deps;
    const known = new Classification(bounds, securityCategories);
    const tried: Tried[] = [];
    let question: Question<Answer> | undefined;
    for (const link of chain) {
      if (known.unsettled(wanted, settlesBp).length === 0) break;
      if (link.kind === "person") {
        tried.push({ provider: "person", model: "", outcome: "person" });
        break;
      }
      if (link.kind === "local") {
        tried.push(this.#askLocal(link, ticket, known));
        continue;
      }
      question ??= this.#deps.questionAbout(ticket);
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
      if ("value" in outcome) known.addModel(byOf(provider, model), outcome.value);
      tried.push({ provider, model, outcome: "value" in outcome ? "used" : outcome.fault, asked });
    }
    const plain = known.fact(false);
    const audited = plain !== undefined && isAudited(auditSeed, ticketId(ticket.ref), plain, auditBp);
    const fact = plain ? { ...plain, audited } : null;
    return this.#told(ticket, { fact, tried, question });
  }

  #askLocal({ name, model }: Extract<Link, { kind: "local" }>, ticket: Ticket, known: Classification): Tried {
    if (!model) return { provider: name, model: "", outcome: "no_model" };
    const predicted = model.predict(this.#deps.textOf(ticket));
    known.addLocal(byOf(name, model.id), predicted);
    const outcome = Object.keys(predicted).length > 0 ? "used" : "unsure";
    return { provider: name, model: model.id, outcome };
  }

  #told(
    ticket: Ticket,
    {
      fact,
      tried,
      question,
    }: { fact: AdviceFact | null; tried: readonly Tried[]; question: Question<Answer> | undefined },
  ): Advice {
    const unadvised: Unanswered | undefined = fact ? undefined : (lastFault(tried) ?? "disabled");
    const words = tried.map(({ asked }) => asked?.rationale).findLast((each) => each !== undefined);
    const answer = { fact, ...(unadvised && { unadvised }), ...(words !== undefined && { words }) };
    if (tried.length === 0) return answer;
    const entry = adviceEntry(ticket, question, { tried, fact });
    return { ...answer, entry };
  }
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
