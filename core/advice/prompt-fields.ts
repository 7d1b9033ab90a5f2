import { z } from "zod";
import type { Ticket } from "../ticket.ts";

/**
 * Every field of a ticket that may ever be shown to a model. What is not here cannot be configured: nobody's name or
 * address, no comment, no attachment, no field of the customer's own.
 */
export const PROMPT_FIELDS = [
  "title",
  "description",
  "category",
  "subcategory",
  "service",
  "ci",
  "assignmentGroup",
  "labels",
  "change.type",
  "change.risk",
  "change.plannedStart",
  "change.plannedEnd",
  "change.backoutPlan",
  "request.item",
] as const;
export type PromptField = (typeof PROMPT_FIELDS)[number];

const FieldList = z
  .array(z.enum(PROMPT_FIELDS))
  .min(1)
  .superRefine((fields, context) => {
    for (const [at, field] of fields.entries()) {
      if (fields.indexOf(field) === at) continue;
      const params = { fix: "another field, or remove it" };
      context.addIssue({ code: "custom", path: [at], message: `"${field}" stands here twice`, params });
    }
  });

const CHANGE_FIELDS = [
  "change.type",
  "change.plannedStart",
  "change.plannedEnd",
  "change.backoutPlan",
  "ci",
  "service",
] as const;

/** Which fields each step shows to a model, in that order; where room runs out, the last ones go first. */
export const PromptFields = z.strictObject({
  classify: FieldList.default(["title", "description"]),
  assess_change: FieldList.default(["title", "description", ...CHANGE_FIELDS]),
  recommend_resolution: FieldList.default(["title", "description", "ci", "service"]),
  summarise_for_approver: FieldList.default(["title", "description", ...CHANGE_FIELDS]),
});
export type PromptFields = z.infer<typeof PromptFields>;

interface Shown {
  read(ticket: Ticket): string;
  /** Longest text shown, in code points. */
  codePointsMax: number;
  oneLine: boolean;
}

const NAME_MAX = 200;
const nameOf = (read: (ticket: Ticket) => string): Shown => ({ read, codePointsMax: NAME_MAX, oneLine: true });

/** How each field is shown. */
export const SHOWN: Readonly<Record<PromptField, Shown>> = {
  title: { read: (ticket) => ticket.title, codePointsMax: 300, oneLine: true },
  description: { read: (ticket) => ticket.description, codePointsMax: 6_000, oneLine: false },
  category: nameOf((ticket) => ticket.category),
  subcategory: nameOf((ticket) => ticket.subcategory),
  service: nameOf((ticket) => ticket.service),
  ci: nameOf((ticket) => ticket.ci),
  assignmentGroup: nameOf((ticket) => ticket.assignmentGroup),
  labels: nameOf((ticket) => ticket.labels.join(", ")),
  "change.type": nameOf((ticket) => ticket.change.type),
  "change.risk": nameOf((ticket) => ticket.change.risk),
  "change.plannedStart": nameOf((ticket) => ticket.change.plannedStart ?? ""),
  "change.plannedEnd": nameOf((ticket) => ticket.change.plannedEnd ?? ""),
  "change.backoutPlan": { read: (ticket) => ticket.change.backoutPlan, codePointsMax: 3_000, oneLine: false },
  "request.item": nameOf((ticket) => ticket.request.item),
};
