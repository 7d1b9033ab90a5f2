/** What a model may be asked. Each question has its own closed answer, its own fields and its own chain. */
export const STEPS = ["classify", "assess_change", "recommend_resolution", "summarise_for_approver"] as const;
export type Step = (typeof STEPS)[number];

/** The fields of a classification that hold one label each. */
export const LABEL_FIELDS = ["category", "service", "assignment_group", "intent"] as const;
export type LabelField = (typeof LABEL_FIELDS)[number];

/** All that a classification says. */
export const CLASSIFY_FIELDS = [...LABEL_FIELDS, "security_related", "urgency_signals"] as const;
export type ClassifyField = (typeof CLASSIFY_FIELDS)[number];

/** Changed with every word of a prompt: an answer is stored under the version that asked for it. */
export const PROMPT_VERSIONS: Readonly<Record<Step, string>> = {
  classify: "classify-1",
  assess_change: "assess-change-1",
  recommend_resolution: "recommend-resolution-1",
  summarise_for_approver: "summarise-for-approver-1",
};

/** Why a question has no answer, or an answer is not used. Closed: each has its named test and stands on the ledger. */
export const UNANSWERED = [
  /** Nobody is configured to be asked, or the admin switched AI off. */
  "disabled",
  /** The chain names a person here, or everybody before it was in vain. */
  "person",
  /** A cap would have been passed. */
  "over_budget",
  /** Too many tickets at once; this one can wait. */
  "storm",
  /** The provider failed so often lately that it is left alone for a while. */
  "breaker_open",
  /** No answer within the time. */
  "timeout",
  "rate_limited",
  "unavailable",
  /** The provider does not take our key, or the model is not ours to ask. */
  "auth",
  /** The provider refused the request itself: a parameter, a size. */
  "rejected",
  /** The model declined to answer. */
  "refused",
  /** The answer ends in the middle. */
  "cut",
  "empty",
  /** Not JSON, or other keys than asked for, and no better at the second try. */
  "invalid",
  /** A label that is not in the set, and no better at the second try. */
  "unknown_label",
  /** Another model answered than was asked. */
  "wrong_model",
  /** The local model has no file, or one that does not hold. */
  "no_model",
  /** The model has no opinion on any field that somebody wanted to know. */
  "unsure",
] as const;
export type Unanswered = (typeof UNANSWERED)[number];
