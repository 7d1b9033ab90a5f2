import { sha256Hex } from "../canonical.ts";
import type { AdviceEvidence, AdviceFact } from "../policy/facts.ts";
import type { Bounds } from "./chain.ts";
import { canonicalLabel } from "./labels.ts";
import type { Labelled } from "./models.ts";
import { SCORE_MAX, type ScoredLabel } from "./score.ts";
import { CLASSIFY_FIELDS, type ClassifyField, LABEL_FIELDS, type LabelField } from "./step.ts";

/** What is known so far of a ticket, from whoever was asked: per field the answer that is certified best. */
export class Classification {
  readonly #bounds: Bounds;
  readonly #securityCategories: ReadonlySet<string>;
  readonly #labels: Partial<Record<LabelField, string>> = {};
  readonly #evidence: Partial<Record<ClassifyField, AdviceEvidence>> = {};
  #security = false;
  #urgency: readonly string[] = [];

  constructor(bounds: Bounds, securityCategories: ReadonlySet<string>) {
    this.#bounds = bounds;
    this.#securityCategories = securityCategories;
  }

  /** Fields that nobody has answered with at most that error. */
  unsettled(wanted: readonly ClassifyField[], settlesBp: number): ClassifyField[] {
    return wanted.filter((field) => {
      const bound = this.#evidence[field]?.boundBp;
      return bound === undefined || bound === null || bound > settlesBp;
    });
  }

  /** Takes over the labels of the classifier on this machine. A category says also whether it is a matter of security. */
  addLocal(by: string, predicted: Partial<Record<LabelField, ScoredLabel>>): void {
    for (const field of LABEL_FIELDS) {
      const answer = predicted[field];
      if (answer) this.#label(field, answer, by);
    }
    const { category } = predicted;
    if (!category || this.#securityCategories.size === 0) return;
    this.#secure(this.#isSecurity(category.label), { by, boundBp: this.#bounds.boundOf(by, "category", category) });
  }

  /** Takes over a model's answer, which has no score of its own worth the name. */
  addModel(by: string, value: Labelled): void {
    for (const field of LABEL_FIELDS) {
      const label = value[field];
      if (typeof label === "string" && label !== "") this.#label(field, { label, score: SCORE_MAX }, by);
    }
    const { security_related: security, urgency_signals: urgency, category } = value;
    if (typeof security === "boolean") {
      // What was measured is the category: it certifies only what the category itself says.
      const measured = typeof category === "string" && security === this.#isSecurity(category);
      const boundBp =
        measured && this.#securityCategories.size > 0
          ? this.#bounds.boundOf(by, "category", { label: category, score: SCORE_MAX })
          : null;
      this.#secure(security, { by, boundBp });
    }
    if (Array.isArray(urgency) && this.#better("urgency_signals", by, null)) this.#urgency = urgency;
  }

  /** The fact, or undefined where no field has an answer. */
  fact(audited: boolean): AdviceFact | undefined {
    if (Object.keys(this.#evidence).length === 0) return undefined;
    const { category = "", service = "", assignment_group = "", intent = "" } = this.#labels;
    const flags = { security_related: this.#security, urgency_signals: [...this.#urgency] };
    // In one order, whoever answered first.
    const evidence = Object.fromEntries(
      CLASSIFY_FIELDS.flatMap((field) => (this.#evidence[field] ? [[field, this.#evidence[field]]] : [])),
    );
    return { category, service, assignment_group, intent, ...flags, evidence, audited };
  }

  #isSecurity(category: string): boolean {
    return canonicalLabel([...this.#securityCategories], category) !== undefined;
  }

  /** Any one that fears for security is heard, since advice may only add care, and is certified by its own bound alone. */
  #secure(says: boolean, { by, boundBp }: AdviceEvidence): void {
    if (says === this.#security) this.#better("security_related", by, boundBp);
    else if (says) {
      this.#security = true;
      this.#evidence.security_related = { by, boundBp };
    }
  }

  #label(field: LabelField, answer: ScoredLabel, by: string): void {
    if (this.#better(field, by, this.#bounds.boundOf(by, field, answer))) this.#labels[field] = answer.label;
  }

  /** The smaller bound wins; where there is none on either side, whoever was asked later, since the chain goes on to the better. */
  #better(field: ClassifyField, by: string, boundBp: number | null): boolean {
    const known = this.#evidence[field];
    const wins = !known || known.boundBp === null || (boundBp !== null && boundBp < known.boundBp);
    if (wins) this.#evidence[field] = { by, boundBp };
    return wins;
  }
}

const SHARE_MAX = 10_000;

/**
 * Whether a ticket is in the audit sample: the same for the same ticket and answers whenever it is looked at, and nothing
 * that anybody who writes tickets could aim at. `shareBp` is in hundredths of a percent.
 */
export function isAudited(seed: string, ticket: string, fact: Pick<AdviceFact, "evidence">, shareBp: number): boolean {
  const certified = Object.values(fact.evidence).some(({ boundBp }) => boundBp !== null);
  const draw = Number.parseInt(sha256Hex(`${seed}\n${ticket}`).slice(0, 8), 16) % SHARE_MAX;
  return certified && draw < shareBp;
}
