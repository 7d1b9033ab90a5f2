import { createPrivateKey } from "node:crypto";
import { z } from "zod";
import { Limits } from "../limits.ts";
import { AiSettings } from "./ai.ts";
import { isPrivateHost } from "./private-host.ts";
import { type Complain, checkOutside, complainTo, rule, Secret } from "./setting.ts";

const NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** Standard Webhooks secrets are base64, so that both ends sign with the same bytes. */
const SigningSecret = rule(
  (value) => /^(whsec_)?[A-Za-z0-9+/]{22,}={0,2}$/.test(value),
  "is not a Standard Webhooks secret",
  "at least 16 random bytes in base64, with or without the prefix whsec_ (openssl rand -base64 32)",
);

const BaseUrl = rule(
  isBaseUrl,
  "is not the address of an instance",
  "https:// and the host name, without a path, such as https://acme.service-now.com",
);

export const WebhookAuth = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("basic"), username: Secret, password: Secret }),
  z.strictObject({ type: z.literal("bearer"), token: Secret }),
]);
export type WebhookAuth = z.infer<typeof WebhookAuth>;

const shared = {
  baseUrl: BaseUrl,
  /** Allows plain http, and localhost or a private address as host. For a simulator or a system in the same network only. */
  allowPrivateAddress: z.boolean().default(false),
  webhookAuth: WebhookAuth.optional(),
  /** Vendor record type (ServiceNow table, Jira project key) → name of a mapping. */
  records: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/, "a table name or project key"), z.string()),
  /** Accounts that are no people, by id or user name: what they answer counts for nothing, and nobody else acts as them. */
  automation: z.array(z.string().trim().min(1).max(255)).max(50).default([]),
};

const oauthClient = { clientId: Secret, clientSecret: Secret };

const RSA_BITS_MIN = 2_048;

const PrivateKey = rule(
  isRsaPrivateKey,
  "is not a private key to sign with",
  `an RSA private key of at least ${RSA_BITS_MIN} bits in PEM without a passphrase, by \${file:/run/secrets/...}`,
);

export const ServiceNowConnection = z.strictObject({
  type: z.literal("servicenow"),
  ...shared,
  webhookSecrets: z.array(SigningSecret).min(1).max(2).optional(),
  auth: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("basic"), username: Secret, password: Secret }),
    z.strictObject({ type: z.literal("client-credentials"), ...oauthClient }),
    z.strictObject({ type: z.literal("password"), ...oauthClient, username: Secret, password: Secret }),
    z.strictObject({
      type: z.literal("jwt-bearer"),
      ...oauthClient,
      /** The user that the tokens act as, in the form of the instance's JWT provider: its user name, e-mail or sys_id. */
      subject: Secret,
      /** The kid under which the instance knows the certificate. */
      keyId: Secret,
      privateKey: PrivateKey,
    }),
    z.strictObject({ type: z.literal("api-key"), apiKey: Secret }),
  ]),
});
export type ServiceNowConnection = z.infer<typeof ServiceNowConnection>;

const JiraUrl = rule(
  (value) => isBaseUrl(value) || isGatewayUrl(value),
  "is not the address of a site",
  "https:// and the host name, such as https://acme.atlassian.net, or https://api.atlassian.com/ex/jira/<cloudId>",
);

const StatusName = z.string().trim().min(1).max(255);
const StatusNames = z.array(StatusName).min(1).max(20);

const FieldId = rule(
  (value) => /^customfield_[0-9]{1,10}$/.test(value),
  "is not the id of a custom field",
  "customfield_ and its number, as in the address of the field's page",
);

/** Where people approve: by moving the issue out of a status, or in an approval of Jira Service Management. */
export const JiraApprovals = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("status"),
    /** An issue that is asked about stands in this status. */
    status: StatusName,
    /** Statuses to which it is moved by whoever approves, and by whoever declines. */
    approve: StatusNames,
    decline: StatusNames,
  }),
  z.strictObject({
    type: z.literal("jsm"),
    /** The status that the approval is configured on. */
    status: StatusName,
    /** The field that the approval takes its approvers from. */
    approvers: FieldId,
  }),
]);
export type JiraApprovals = z.infer<typeof JiraApprovals>;

export const JiraConnection = z.strictObject({
  type: z.literal("jira"),
  ...shared,
  baseUrl: JiraUrl,
  deployment: z.enum(["cloud", "datacenter"]).default("cloud"),
  webhookSecrets: z.array(Secret.min(8)).min(1).max(2).optional(),
  auth: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("basic"), email: Secret, apiToken: Secret }),
    z.strictObject({ type: z.literal("bearer"), token: Secret }),
  ]),
  /** Without it nobody can be asked for an approval here. */
  approvals: JiraApprovals.optional(),
});
export type JiraConnection = z.infer<typeof JiraConnection>;

/** The gateway takes Cloud tokens for one site; a Data Center has a personal access token and no gateway. */
function jiraProblems({ baseUrl, deployment, auth }: JiraConnection, problem: Complain): void {
  if (deployment === "datacenter" && auth.type === "basic")
    problem(["auth"], "is no login for Data Center", "{ type: bearer, token: ... } with a personal access token");
  if (deployment === "datacenter" && isGatewayUrl(baseUrl))
    problem(["baseUrl"], "is the gateway of Jira Cloud", "the address of the Data Center itself");
  if (URL.canParse(baseUrl) && new URL(baseUrl).hostname === GATEWAY_HOST && isBaseUrl(baseUrl))
    problem(["baseUrl"], "does not say which site", `https://${GATEWAY_HOST}/ex/jira/<cloudId>`);
}

/** An answer must be told from the question, and yes from no. */
function jiraApprovalProblems({ deployment, approvals }: JiraConnection, problem: Complain): void {
  if (approvals?.type === "jsm" && deployment === "datacenter")
    problem(["approvals", "type"], "is for Jira Cloud only", "type: status, with the statuses of the workflow");
  if (approvals?.type !== "status") return;
  const { status, approve, decline } = approvals;
  for (const key of ["approve", "decline"] as const)
    if (approvals[key].includes(status))
      problem(
        ["approvals", key],
        "names the status that people are asked in",
        "the statuses that their answer leads to",
      );
  const both = approve.find((name) => name !== status && decline.includes(name));
  if (both === undefined) return;
  const fix = "a status of its own for each; let the workflow have two where it has one";
  problem(["approvals", "decline"], `has "${both}", which stands in approve as well`, fix);
}

export const Connection = z
  .discriminatedUnion("type", [ServiceNowConnection, JiraConnection])
  .superRefine((connection, context) => {
    const problem = complainTo(context);
    if ((connection.webhookSecrets === undefined) === (connection.webhookAuth === undefined)) {
      problem(
        connection.webhookAuth ? ["webhookAuth"] : [],
        connection.webhookAuth ? "stands beside webhookSecrets" : "does not say how its webhooks prove themselves",
        "either webhookSecrets (one or two) or, for a sender that cannot sign, webhookAuth",
      );
    }
    if (connection.type === "jira") {
      jiraProblems(connection, problem);
      jiraApprovalProblems(connection, problem);
    }
    checkOutside(connection, problem);
  });
export type Connection = z.infer<typeof Connection>;

const LedgerKey = rule(
  isEd25519PrivateKey,
  "is not a private key to sign the ledger with",
  `an Ed25519 private key in PEM (openssl genpkey -algorithm ed25519), by \${file:/run/secrets/...}`,
);

/** How the record of everything is signed. */
export const LedgerSettings = z.strictObject({
  /** The key that signs; without it a store in a file makes one beside itself. */
  key: LedgerKey.optional(),
  /** The key of before, for the one start in which it is replaced: it signs for the new one. */
  previousKey: LedgerKey.optional(),
  /** File that every checkpoint is appended to, or - for standard output; beside the store where it is absent. */
  checkpoints: z.string().min(1).optional(),
});
export type LedgerSettings = z.infer<typeof LedgerSettings>;

export const MODES = ["observe", "suggest", "act"] as const;
export type Mode = (typeof MODES)[number];

/** `config/interlock.yaml`. */
export const Settings = z.strictObject({
  listen: z
    .strictObject({ host: z.string().default("0.0.0.0"), port: z.int().min(0).max(65_535).default(8080) })
    .prefault({}),
  store: rule(
    (value) => /^(file:.+|postgres(ql)?:\/\/.+)$/.test(value),
    "is not a store",
    "file:<path of an SQLite file> or postgres://user@host/database",
  ).default("file:./data/interlock.db"),
  /** observe: decide and record. suggest: also write a note. act: also write the fields. */
  mode: z.enum(MODES).default("observe"),
  logLevel: z.enum(["error", "warn", "info", "debug"]).default("info"),
  limits: Limits.prefault({}),
  ledger: LedgerSettings.prefault({}),
  /** Who may be asked for advice, about what, and for how much; without it AI is off. */
  ai: AiSettings.optional(),
  connections: z
    .record(z.string().regex(NAME, "lower-case letters, digits and dashes, at most 32"), Connection)
    .superRefine((connections, context) => {
      // Without one it would start, hear nothing and look healthy.
      if (Object.keys(connections).length > 0) return;
      const fix = "at least one, such as snow: { type: servicenow, baseUrl: https://acme.service-now.com, ... }";
      context.addIssue({ code: "custom", message: "names no system", params: { fix } });
    }),
});
export type Settings = z.infer<typeof Settings>;

const GATEWAY_HOST = "api.atlassian.com";

/** Where OAuth tokens and scoped API tokens meet their site; a simulator of it stands in a private network. */
function isGatewayUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  const path = /^\/ex\/jira\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\/?$/i;
  if (!path.test(url.pathname) || (url.hostname !== GATEWAY_HOST && !isPrivateHost(url.hostname))) return false;
  return isBaseUrl(url.origin) && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
}

function isBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  const bare =
    url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  return bare && (url.protocol === "https:" || url.protocol === "http:");
}

function isEd25519PrivateKey(value: string): boolean {
  try {
    return createPrivateKey(value).asymmetricKeyType === "ed25519";
  } catch {
    return false; // whatever the library has against it, it is no key
  }
}

function isRsaPrivateKey(value: string): boolean {
  try {
    const key = createPrivateKey(value);
    return key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS_MIN;
  } catch {
    return false; // whatever the library has against it, it is no key
  }
}
