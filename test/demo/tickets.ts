/** The hand-written demo tickets of tickets.yaml, in the shape of the vendor that they are meant for. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

const UserName = z.string().regex(/^[a-z]+\.[a-z]+$/);
const Level = z.enum(["1", "2", "3"]);
const ServiceNowTime = z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
const JiraTime = z.iso.datetime({ precision: 3 });

export const DemoUser = z.strictObject({
  user_name: UserName,
  name: z.string(),
  email: z.email().endsWith("@example.com"),
  accountId: z.string().regex(/^557058:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
});
export type DemoUser = z.infer<typeof DemoUser>;

/** What a sensible desk would say of the ticket as it was filed; priority 1 critical ... 5 planning. */
export const Expectation = z.strictObject({
  topic: z.enum(["access", "network", "hardware", "security", "software", "change", "request"]),
  kind: z.enum(["incident", "change", "request"]),
  priority: z.int().min(1).max(5),
});
export type Expectation = z.infer<typeof Expectation>;

/** Column values as the Table API takes them. A column `x_name` is the reference `x`, by display or user name. */
const serviceNowColumns = {
  short_description: z.string().min(1),
  description: z.string().min(1),
  category: z.enum(["", "inquiry", "software", "hardware", "network", "database", "security", "access"]),
  impact: Level,
  urgency: Level,
  cmdb_ci_name: z.string().optional(),
};

export const IncidentFields = z.strictObject({ ...serviceNowColumns, subcategory: z.string().optional() });
export type IncidentFields = z.infer<typeof IncidentFields>;

export const ChangeFields = z.strictObject({
  ...serviceNowColumns,
  type: z.enum(["standard", "normal", "emergency"]),
  /** 2 high, 3 moderate, 4 low. */
  risk: z.enum(["2", "3", "4"]),
  /** UTC. */
  start_date: ServiceNowTime,
  /** UTC. */
  end_date: ServiceNowTime,
  justification: z.string(),
  backout_plan: z.string(),
});
export type ChangeFields = z.infer<typeof ChangeFields>;

export const RequestFields = z.strictObject({
  ...serviceNowColumns,
  cat_item_name: z.string(),
  quantity: z.string().regex(/^[1-9]\d*$/),
  /** Of the whole request, in euro. */
  price: z.string().regex(/^\d+(\.\d\d)?$/),
  justification: z.string().optional(),
});
export type RequestFields = z.infer<typeof RequestFields>;

export const ServiceNowEdit = z.strictObject({
  state: z.string().optional(),
  impact: Level.optional(),
  urgency: Level.optional(),
  start_date: ServiceNowTime.optional(),
  end_date: ServiceNowTime.optional(),
  assignment_group_name: z.string().optional(),
  close_code: z.string().optional(),
  close_notes: z.string().optional(),
});
export type ServiceNowEdit = z.infer<typeof ServiceNowEdit>;

/** Jira field values by plain name: the loader knows the custom field ids and turns text into ADF. */
const jiraFields = {
  summary: z.string().min(1),
  description: z.string().min(1),
  priority: z.enum(["Highest", "High", "Medium", "Low", "Lowest"]),
  impact: z
    .enum(["Extensive / Widespread", "Significant / Large", "Moderate / Limited", "Minor / Localized"])
    .optional(),
  urgency: z.enum(["Critical", "High", "Medium", "Low"]).optional(),
  category: z.enum(["Access", "Network", "Hardware", "Software", "Security", "Request", "Other"]).optional(),
  ci: z.string().optional(),
};

export const OpsFields = z.strictObject(jiraFields);
export type OpsFields = z.infer<typeof OpsFields>;

export const ChgFields = z.strictObject({
  ...jiraFields,
  changeType: z.enum(["Standard", "Normal", "Emergency"]),
  changeRisk: z.enum(["Critical", "High", "Medium", "Low"]),
  plannedStart: JiraTime,
  plannedEnd: JiraTime.optional(),
});
export type ChgFields = z.infer<typeof ChgFields>;

export const JiraEdit = z.strictObject({
  priority: jiraFields.priority.optional(),
  category: jiraFields.category,
  ci: jiraFields.ci,
  assignee: UserName.optional(),
});
export type JiraEdit = z.infer<typeof JiraEdit>;

export const Comment = z.strictObject({ by: UserName, comment: z.string().min(1) });
export type Comment = z.infer<typeof Comment>;

const head = { id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)+$/), by: UserName, expect: Expectation };
const serviceNow = {
  ...head,
  system: z.literal("servicenow"),
  later: z.array(z.union([Comment, z.strictObject({ by: UserName, set: ServiceNowEdit })])).optional(),
};
const jira = {
  ...head,
  system: z.literal("jira"),
  later: z.array(z.union([Comment, z.strictObject({ by: UserName, set: JiraEdit })])).optional(),
};

export const ServiceNowTicket = z.discriminatedUnion("table", [
  z.strictObject({ ...serviceNow, table: z.literal("incident"), fields: IncidentFields }),
  z.strictObject({ ...serviceNow, table: z.literal("change_request"), fields: ChangeFields }),
  z.strictObject({ ...serviceNow, table: z.literal("sc_req_item"), fields: RequestFields }),
]);
export type ServiceNowTicket = z.infer<typeof ServiceNowTicket>;

export const JiraTicket = z.discriminatedUnion("project", [
  z.strictObject({ ...jira, project: z.literal("OPS"), fields: OpsFields }),
  z.strictObject({ ...jira, project: z.literal("CHG"), fields: ChgFields }),
]);
export type JiraTicket = z.infer<typeof JiraTicket>;

export const DemoTicket = z.discriminatedUnion("system", [ServiceNowTicket, JiraTicket]);
export type DemoTicket = z.infer<typeof DemoTicket>;

export const DemoTickets = z.strictObject({
  users: z.array(DemoUser),
  groups: z.array(z.string()),
  tickets: z.array(DemoTicket),
});
export type DemoTickets = z.infer<typeof DemoTickets>;

export function readTickets(): DemoTickets {
  return DemoTickets.parse(parse(readFileSync(new URL("tickets.yaml", import.meta.url), "utf8")));
}
