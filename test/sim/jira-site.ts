/** The site around the issues: its people, groups and projects, as the API prints them. */
import { createHash } from "node:crypto";
import type { Workflow } from "./jira-workflow.ts";
import { workflowFor } from "./jira-workflow.ts";

export interface JiraUser {
  accountId: string;
  displayName: string;
  emailAddress: string;
  /** Without one this person cannot call the API. */
  apiToken?: string;
  /** Names of groups of the site. */
  memberOf?: string[];
  /** A person is active unless this is false. */
  active?: boolean;
}

export interface JiraGroup {
  name: string;
  groupId: string;
}

export interface JiraProject {
  id: string;
  key: string;
  name: string;
  issueTypes: string[];
  /** As the API names it: software, where the options do not say. */
  type?: string;
  workflow: Workflow;
}

/** What a test may change while the site runs. */
export interface SiteAbout {
  deployment: "cloud" | "datacenter";
  /** A clone has another one. */
  cloudId: string;
  /** Everybody's; what times in JQL mean. */
  timeZone: string;
}

export interface JiraSite {
  about: SiteAbout;
  /** http://host:port; known once the server listens. */
  url(): string;
  users: ReadonlyMap<string, JiraUser>;
  groups: readonly JiraGroup[];
  projects: ReadonlyMap<string, JiraProject>;
  /** Issue type names over all projects; the id follows from the place. */
  issueTypes: readonly string[];
  /** Options of the "Category" field. */
  categories: readonly string[];
}

export interface JiraSiteOptions {
  url(): string;
  users: JiraUser[];
  groups: string[];
  projects: { key: string; name: string; issueTypes: string[]; type?: string; approval?: boolean }[];
  categories: string[];
}

/** Gives ids to what the options only name. The same names always get the same ids. */
export function createSite(options: JiraSiteOptions): JiraSite {
  const projects = options.projects.map(({ approval, ...project }, index): JiraProject => {
    return { ...project, id: String(10_000 + index), workflow: workflowFor(project.issueTypes, approval) };
  });
  return {
    about: { deployment: "cloud", cloudId: uuidOf("cloud"), timeZone: "UTC" },
    url: options.url,
    users: new Map(options.users.map((user) => [user.accountId, user])),
    groups: options.groups.map((name) => ({ name, groupId: uuidOf(name) })),
    projects: new Map(projects.map((project) => [project.key, project])),
    issueTypes: [...new Set(projects.flatMap((project) => project.issueTypes))],
    categories: options.categories,
  };
}

function uuidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

/** The base of every `self`: webhooks and v2 answers say /2, v3 answers /3. */
export function apiUrl(site: JiraSite, version: 2 | 3): string {
  return `${site.url()}/rest/api/${version}`;
}

/** A user as the API prints them; null when unassigned. Unknown accounts are shown as former users. */
export function showUser(site: JiraSite, accountId: string | null, version: 2 | 3): Record<string, unknown> | null {
  if (accountId === null) return null;
  const user = site.users.get(accountId);
  if (site.about.deployment === "datacenter") return showNamedUser(site, accountId);
  const avatar = (size: number): string => `${site.url()}/avatars/${encodeURIComponent(accountId)}?size=${size}`;
  return {
    self: `${apiUrl(site, version)}/user?accountId=${encodeURIComponent(accountId)}`,
    accountId,
    ...(user === undefined ? {} : { emailAddress: user.emailAddress }),
    avatarUrls: { "48x48": avatar(48), "24x24": avatar(24), "16x16": avatar(16), "32x32": avatar(32) },
    displayName: user?.displayName ?? "Former user",
    active: user !== undefined && user.active !== false,
    timeZone: site.about.timeZone,
    accountType: "atlassian",
  };
}

/** Data Center: no account ids. A name may change, the key stays. */
function showNamedUser(site: JiraSite, accountId: string): Record<string, unknown> {
  const user = site.users.get(accountId);
  const name = nameOf(site, accountId);
  const self = `${apiUrl(site, 2)}/user?username=${encodeURIComponent(name)}`;
  const { displayName = "Former user", emailAddress = "" } = user ?? {};
  const { timeZone } = site.about;
  return {
    self,
    name,
    key: userKeyOf(site, accountId),
    emailAddress,
    displayName,
    active: user !== undefined && user.active !== false,
    timeZone,
  };
}

export function nameOf(site: JiraSite, accountId: string): string {
  return site.users.get(accountId)?.emailAddress.split("@")[0] ?? accountId;
}

export function userKeyOf(site: JiraSite, accountId: string): string {
  return `JIRAUSER${10_100 + [...site.users.keys()].indexOf(accountId)}`;
}

export function showProject(site: JiraSite, key: string, version: 2 | 3): Record<string, unknown> {
  const project = site.projects.get(key);
  const id = project?.id ?? "";
  const avatar = (size: string): string => `${apiUrl(site, version)}/universal_avatar/view/type/project/${size}/${id}`;
  return {
    self: `${apiUrl(site, version)}/project/${id}`,
    id,
    key,
    name: project?.name ?? key,
    projectTypeKey: project?.type ?? "software",
    // Company-managed, in the words of the API.
    simplified: false,
    style: "classic",
    avatarUrls: { "48x48": avatar("48"), "24x24": avatar("24"), "16x16": avatar("16"), "32x32": avatar("32") },
  };
}

/** The groups a person belongs to, as GET /user/groups prints them. */
export function showMemberships(site: JiraSite, accountId: string, version: 2 | 3): Record<string, unknown>[] {
  const names = site.users.get(accountId)?.memberOf ?? [];
  return names.flatMap((name) => {
    const group = site.groups.find((candidate) => candidate.name === name);
    const shown = showGroup(site, group?.groupId ?? null, version);
    return shown === null ? [] : [shown];
  });
}

export function issueTypeId(site: JiraSite, name: string): string {
  return String(10_001 + site.issueTypes.indexOf(name));
}

export function showIssueType(site: JiraSite, name: string, version: 2 | 3): Record<string, unknown> {
  const id = issueTypeId(site, name);
  const self = `${apiUrl(site, version)}/issuetype/${id}`;
  const iconUrl = `${site.url()}/images/icons/issuetypes/${id}.png`;
  return { self, id, description: "", iconUrl, name, subtask: false, hierarchyLevel: 0 };
}

export function showGroup(site: JiraSite, groupId: string | null, version: 2 | 3): Record<string, unknown> | null {
  const group = site.groups.find((candidate) => candidate.groupId === groupId);
  if (group === undefined) return null;
  return { name: group.name, groupId: group.groupId, self: `${apiUrl(site, version)}/group?groupId=${group.groupId}` };
}

/** Jira's own form: milliseconds and an offset without a colon. */
export function jiraTime(atMs: number): string {
  return new Date(atMs).toISOString().replace("Z", "+0000");
}
