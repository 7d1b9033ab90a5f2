/** Scores are whole numbers, so that the same answer has the same bytes on every machine: 1,000,000 is certain. */
export const SCORE_MAX = 1_000_000;

/** A label with the model's own score, which ranks answers and promises nothing. */
export interface ScoredLabel {
  label: string;
  /** 0 to SCORE_MAX. */
  score: number;
}

/** An answer of the past beside what turned out to be right. */
export interface Judged extends ScoredLabel {
  correct: boolean;
}
