import type { ConfigFiles } from "../../../core/config/files.ts";
import { type Config, loadConfig } from "../../../core/config/load.ts";
import type { SecretSource } from "../../../core/config/secrets.ts";
import { type Problem, ProblemsError } from "../../../core/problem.ts";

/** Path → text: a configuration that stands nowhere but in a test. */
export type Texts = Readonly<Record<string, string>>;

/** A reference to a secret as it stands in a file. */
export function secretRef(name: string): string {
  return `\${${name}}`;
}

export const SETTINGS = "config/interlock.yaml";
export const ROUTING = "config/policy/routing.yaml";
export const SNOW = "mappings/snow.yaml";
export const JIRA = "mappings/jira.yaml";

/** A small sound configuration; every case of a wrong one is an edit of it. */
export const SOUND: Texts = {
  [SETTINGS]: `listen: { host: 127.0.0.1, port: 8080 }
store: file:./data/interlock.db
mode: act
connections:
  snow:
    type: servicenow
    baseUrl: https://acme.service-now.com
    auth: { type: basic, username: bot, password: "\${SNOW_PASSWORD}" }
    webhookSecrets: ["\${SNOW_WEBHOOK}"]
    records: { incident: snow }
  jira:
    type: jira
    baseUrl: https://acme.atlassian.net
    auth: { type: bearer, token: "\${file:/run/secrets/jira}" }
    webhookSecrets: ["\${JIRA_WEBHOOK}"]
    records: { OPS: jira }
`,
  [ROUTING]: `rules:
  - id: senior
    why: Urgent incidents go to senior engineers
    when: ticket.kind == "incident" && ticket.priority <= 2
    then: { assign: { group: Senior Engineers } }
  - id: phone
    why: Calls stay with the desk
    when: ticket.custom.contactType == "phone"
    then: { leave: true }
default:
  id: the-rest
  why: The desk looks at everything else
  then: { assign: { group: Service Desk } }
`,
  [SNOW]: `vendor: servicenow
kind: incident
fields:
  title: { from: short_description }
  status: { from: state, values: { "1": new, "2": in_progress }, write: false }
  priority: { from: priority, values: { "1": 1, "2": 2, "3": 3 }, default: 3 }
  category: { from: category }
  assignmentGroup: { from: assignment_group, intake: [Service Desk] }
  createdAt: { from: sys_created_on }
  updatedAt: { from: sys_updated_on }
custom:
  contactType: { from: contact_type }
`,
  [JIRA]: `vendor: jira
kind: incident
fields:
  title: { from: summary }
  status: { from: status.name, values: { Open: new, Done: closed }, write: false }
  priority: { from: priority.name, values: { High: 2, Low: 4 }, default: 4 }
  assignmentGroup: { from: customfield_10101 }
  createdAt: { from: created }
  updatedAt: { from: updated }
`,
};

const VARIABLES: Readonly<Record<string, string>> = {
  SNOW_PASSWORD: "the-password-of-the-bot",
  SNOW_WEBHOOK: `whsec_${Buffer.from("thirty-two bytes of pure secrecy").toString("base64")}`,
  JIRA_WEBHOOK: "long enough for Jira",
};

export const SECRETS: SecretSource = {
  variable: (name) => VARIABLES[name],
  file: (path) => (path === "/run/secrets/jira" ? "the-token-of-the-bot" : undefined),
};

export function filesOf(texts: Texts): ConfigFiles {
  return {
    read: (path) => texts[path],
    list: (folder) =>
      Object.keys(texts)
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1))
        .sort(),
  };
}

export const FOLDERS = { config: "config", mappings: "mappings" };

/** Everything that is wrong with a configuration, in the order in which it is shown. */
export function problemsOf(texts: Texts, secrets: SecretSource = SECRETS): readonly Problem[] {
  const loaded = loadConfig(filesOf(texts), FOLDERS, secrets);
  return "problems" in loaded ? new ProblemsError(loaded.problems).problems : [];
}

/** The configuration of texts that are sound. */
export function configOf(texts: Texts, secrets: SecretSource = SECRETS): Config {
  const loaded = loadConfig(filesOf(texts), FOLDERS, secrets);
  if ("problems" in loaded) throw new ProblemsError(loaded.problems);
  return loaded.config;
}

/** The texts with one passage of one file replaced. Throws where the passage does not stand there exactly once. */
export function edited(texts: Texts, file: string, from: string, to: string): Texts {
  const text = texts[file] ?? "";
  if (text.split(from).length !== 2) throw new Error(`"${from}" does not stand exactly once in ${file}`);
  return { ...texts, [file]: text.replace(from, () => to) };
}

export function without(texts: Texts, file: string): Texts {
  return Object.fromEntries(Object.entries(texts).filter(([path]) => path !== file));
}
