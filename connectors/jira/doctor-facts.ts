import type { FactName } from "../../core/policy/facts.ts";
import { checked, type Finding } from "../finding.ts";
import type { JiraInspection } from "./inspect.ts";
import { permissionsHeld } from "./site.ts";

export interface FactNeeds {
  /** Facts that rules ask for about issues of this connection. */
  facts: readonly FactName[];
  /** The ServiceNow connection in which items of issues are looked up; undefined where there is not exactly one. */
  cmdb: string | undefined;
}

/** Whether what the rules ask for can be told of issues. */
export async function factFindings(
  jira: JiraInspection,
  connection: string,
  { facts, cmdb }: FactNeeds,
): Promise<Finding[]> {
  const found: Finding[] = [];
  if (facts.includes("members")) found.push(...(await checked("facts", connection, () => members(jira, connection))));
  const unanswered = (what: string, fix: string): Finding => {
    return { severity: "warning", check: "facts", where: connection, what, fix };
  };
  for (const fact of ["ci", "impact"] as const)
    if (facts.includes(fact) && cmdb === undefined)
      found.push(
        unanswered(
          `rules ask for ${fact}, and there is not exactly one ServiceNow connection to look items up in: guards hold every issue that names one`,
          `Leave one ServiceNow connection, or have the rules ask for ${fact} where ticket.connection is another`,
        ),
      );
  if (facts.includes("spend"))
    found.push(
      unanswered(
        "rules ask for spend, which Jira cannot tell: guards hold every request of this site that they ask it of",
        "Have the rules ask for spend where ticket.connection is another",
      ),
    );
  return found;
}

async function members(jira: JiraInspection, where: string): Promise<Finding[]> {
  const permission = "USER_PICKER";
  if ((await permissionsHeld(jira, [permission])).has(permission)) return [];
  const what =
    "the account lacks the global permission Browse users and groups, so that rules which ask for groups hold their tickets";
  return [
    {
      severity: "error",
      check: "facts",
      where,
      what,
      fix: "Give it Browse users and groups (Settings > System > Global permissions)",
    },
  ];
}
