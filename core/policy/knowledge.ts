import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import type { Problem } from "../problem.ts";
import { DurationMs } from "./duration.ts";
import { RULE_HEAD, RULES_MAX } from "./rule.ts";

const OFFERED_MAX = 10;

/** A score of a match as a share of the best there can be. */
const Share = z.string().transform((text, context): number => {
  const percent = /^(\d{1,3})%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) >= 1 && Number(percent) <= 100) return Number(percent);
  context.addIssue({ code: "custom", message: "is not a share", params: { fix: "whole percent, such as 60%" } });
  return z.NEVER;
});

const KnowledgeThen = z
  .strictObject({
    /** Articles that match the ticket well enough are named in it. */
    offer: z.strictObject({ scoreMin: Share, articlesMax: z.int().min(1).max(OFFERED_MAX).default(3) }).optional(),
    /** The ticket may close itself once its requester said that the article helped. */
    close: z
      .strictObject({
        scoreMin: Share,
        /** Nobody closes a ticket for somebody who did not answer. */
        confirmedBy: z.literal("requester"),
        /** How long the answer is waited for; after it, people go on. */
        waits: DurationMs,
      })
      .optional(),
    /** Nothing is offered: people look at it. */
    never: z.literal(true).optional(),
  })
  .superRefine(({ offer, never }, context) => {
    if ((offer !== undefined) !== (never === true)) return;
    const message = offer ? "never stands beside offer" : "does nothing";
    context.addIssue({ code: "custom", message, params: { fix: "offer, or never: true to leave it to people" } });
  });

const KnowledgeEntry = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: KnowledgeThen,
});

/** `config/policy/knowledge.yaml`: the first rule that matches says what may be offered, and what may close itself. */
export const KnowledgeFile = z.strictObject({
  rules: z.array(KnowledgeEntry).max(RULES_MAX).default([]),
  default: KnowledgeEntry.omit({ when: true }),
});
export type KnowledgeFile = z.infer<typeof KnowledgeFile>;

/** What is wrong between the parts of a well-formed file. */
export function knowledgeProblems(yaml: YamlFile, file: KnowledgeFile): Problem[] {
  return [
    ...file.rules.flatMap(({ then }, at) => closeProblems(yaml, ["rules", at, "then", "close"], then)),
    ...closeProblems(yaml, ["default", "then", "close"], file.default.then),
  ];
}

function closeProblems(
  yaml: YamlFile,
  path: readonly (string | number)[],
  { offer, close }: z.infer<typeof KnowledgeThen>,
): Problem[] {
  if (!close) return [];
  if (!offer)
    return [yaml.problem(path, "closes tickets by articles that are never offered", "Add offer, or drop close")];
  if (close.scoreMin >= offer.scoreMin) return [];
  const what = `asks less of a match (${close.scoreMin}%) than an offer does (${offer.scoreMin}%)`;
  return [yaml.problem([...path, "scoreMin"], what, `Write ${offer.scoreMin}% or more`)];
}
