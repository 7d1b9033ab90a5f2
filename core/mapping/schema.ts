import { z } from "zod";
import { CustomValue, TICKET_KINDS } from "../ticket.ts";
import { isPath } from "./path.ts";
import { TRANSFORMS } from "./transforms.ts";

const VendorPath = z.string().superRefine((text, context) => {
  if (isPath(text)) return;
  const fix = "letters, digits and underscores, with dots between steps, such as caller_id.email";
  context.addIssue({ code: "custom", message: "is not a field path", params: { fix } });
});

/** How one canonical field comes from the vendor's record, and how it goes back. */
export const FieldRule = z.strictObject({
  /** Vendor field, or a dot-walk to one. */
  from: VendorPath.optional(),
  /** An expression over `record`, for what a path and a transform cannot say. Read-only unless `write` is given. */
  cel: z.string().optional(),
  /** Vendor fields that `cel` needs. */
  reads: z.array(VendorPath).max(20).optional(),
  transform: z.enum(TRANSFORMS).optional(),
  /** Vendor value → canonical value. What is not listed is drift. */
  values: z.record(z.string(), z.union([z.string(), z.int()])).optional(),
  /** Canonical value → the vendor value to write, where several vendor values mean the same. */
  writeBack: z.record(z.string(), z.string()).optional(),
  /** The canonical value where the vendor's field is empty. */
  default: CustomValue.optional(),
  /** Canonical values that mean nobody has chosen yet, so a rule may replace them. */
  intake: z
    .array(z.union([z.string(), z.int()]))
    .max(20)
    .optional(),
  /** false: never written. A table: canonical value → vendor fields to write. */
  write: z.union([z.literal(false), z.record(z.string(), z.record(VendorPath, z.string()))]).optional(),
});
export type FieldRule = z.infer<typeof FieldRule>;

export const CUSTOM_TYPES = ["string", "int", "bool"] as const;

const CustomFieldRule = FieldRule.omit({ intake: true, write: true, writeBack: true }).extend({
  type: z.enum(CUSTOM_TYPES).default("string"),
});

const fields = z.strictObject({
  title: FieldRule,
  description: FieldRule.optional(),
  status: FieldRule,
  priority: FieldRule,
  impact: FieldRule.optional(),
  urgency: FieldRule.optional(),
  category: FieldRule.optional(),
  subcategory: FieldRule.optional(),
  assignmentGroup: FieldRule.optional(),
  assignee: FieldRule.optional(),
  requester: FieldRule.optional(),
  ci: FieldRule.optional(),
  service: FieldRule.optional(),
  labels: FieldRule.optional(),
  createdAt: FieldRule,
  updatedAt: FieldRule,
  changeType: FieldRule.optional(),
  changeRisk: FieldRule.optional(),
  plannedStart: FieldRule.optional(),
  plannedEnd: FieldRule.optional(),
  actualEnd: FieldRule.optional(),
  backoutPlan: FieldRule.optional(),
  cabRequired: FieldRule.optional(),
  onHold: FieldRule.optional(),
  changeOutcome: FieldRule.optional(),
  requestItem: FieldRule.optional(),
  requestQuantity: FieldRule.optional(),
  requestPrice: FieldRule.optional(),
});
export type CanonicalField = keyof z.infer<typeof fields>;

/** `mappings/<name>.yaml`. */
export const MappingFile = z.strictObject({
  vendor: z.enum(["servicenow", "jira"]),
  kind: z.enum(TICKET_KINDS),
  fields,
  /** The customer's own fields: `ticket.custom.<name>` in rules. */
  custom: z.record(z.string().regex(/^[a-z][A-Za-z0-9]{0,39}$/, "a camelCase name"), CustomFieldRule).default({}),
});
export type MappingFile = z.infer<typeof MappingFile>;

/** `mappings/<name>.test.yaml`: what must come out of a record, and what must go back. */
export const MappingTests = z.array(
  z.union([
    z.strictObject({
      name: z.string(),
      record: z.record(z.string(), z.unknown()),
      /** Canonical fields that must come out as given; fields that are not named are not compared. */
      expect: z.record(z.string(), z.unknown()),
    }),
    z.strictObject({
      name: z.string(),
      record: z.record(z.string(), z.unknown()),
      /** Canonical fields whose vendor value must be reported as unknown. */
      drift: z.array(z.string()).min(1),
    }),
    z.strictObject({
      name: z.string(),
      /** Canonical field → the value a rule sets. */
      write: z.record(z.string(), z.union([z.string(), z.int()])),
      /** Vendor fields that must be written. */
      expect: z.record(z.string(), z.unknown()),
    }),
  ]),
);
export type MappingTests = z.infer<typeof MappingTests>;
