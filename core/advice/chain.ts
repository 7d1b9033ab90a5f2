import type { Member } from "./models.ts";
import type { ScoredLabel } from "./score.ts";
import type { LabelField } from "./step.ts";

/** The classifier of this installation: trained on its own tickets, asked on this machine, for nothing. */
export interface LocalModel {
  /** Digest of its file. */
  readonly id: string;
  /** The best label of every field that it was trained for. */
  predict(text: string): Partial<Record<LabelField, ScoredLabel>>;
}

/** Who is asked at one place of a chain. A person ends it: what nobody has settled by then is theirs. */
export type Link =
  | { kind: "person" }
  /** Undefined where there is no usable file: the chain goes on, and says so. */
  | { kind: "local"; name: string; model: LocalModel | undefined }
  | { kind: "model"; member: Member };

/** The largest error an answer can have, with 95 % confidence, in hundredths of a percent; null where nothing certifies it. */
export interface Bounds {
  boundOf(by: string, field: LabelField, answer: ScoredLabel): number | null;
}

/** How answers of a link are known in evidence: two builds of a model are two models. */
export function byOf(name: string, model: string): string {
  return `${name}:${model}`;
}
