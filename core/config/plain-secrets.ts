import type { Problem } from "../problem.ts";
import type { YamlFile } from "./document.ts";
import { type Path, valueAt } from "./issue.ts";
import { hasReference } from "./secrets.ts";

/** Keys of `auth` and `webhookAuth` whose values open something. */
const SECRET_KEYS = ["password", "clientSecret", "apiToken", "apiKey", "privateKey", "token"];
/** Keys of a provider that do; and headers of such names. */
const PROVIDER_KEYS = ["apiKey", "token", "secretAccessKey", "sessionToken"];
const SECRET_HEADER = /auth|cookie|key|secret|token/i;

/** Secrets that were written into the file, where backups, repositories and colleagues see them. */
export function plainSecrets(yaml: YamlFile): Problem[] {
  const problems: Problem[] = [];
  const look = (path: Path): void => {
    const value = valueAt(yaml.value, path);
    if (typeof value !== "string" && typeof value !== "number") return;
    if (value === "" || hasReference(String(value))) return;
    problems.push(yaml.problem(path, "holds a secret in plain text", FIX));
  };
  for (const connection of keysAt(yaml.value, ["connections"])) {
    const at = ["connections", connection];
    for (const key of SECRET_KEYS) for (const holder of ["auth", "webhookAuth"]) look([...at, holder, key]);
    const list = valueAt(yaml.value, [...at, "webhookSecrets"]);
    if (Array.isArray(list)) for (const index of list.keys()) look([...at, "webhookSecrets", index]);
  }
  for (const provider of keysAt(yaml.value, ["ai", "providers"])) {
    const at = ["ai", "providers", provider];
    for (const key of PROVIDER_KEYS) look([...at, key]);
    for (const name of keysAt(yaml.value, [...at, "headers"]))
      if (SECRET_HEADER.test(name)) look([...at, "headers", name]);
  }
  for (const key of ["key", "previousKey"]) look(["ledger", key]);
  const store = valueAt(yaml.value, ["store"]);
  if (typeof store === "string" && storePassword(store)) {
    const fix = `Write postgres://user:\${PGPASSWORD}@host/database and set PGPASSWORD`;
    problems.push(yaml.problem(["store"], "holds a password in plain text", fix));
  }
  return problems;
}

const FIX = `Write \${NAME} for an environment variable or \${file:/run/secrets/name} for a mounted file, and change the secret`;

function storePassword(url: string): boolean {
  const given = /^postgres(?:ql)?:\/\/[^/@:]*:([^@]+)@/.exec(url)?.[1] ?? /[?&]password=([^&]+)/.exec(url)?.[1];
  return given !== undefined && !hasReference(given);
}

function keysAt(root: unknown, path: Path): string[] {
  const value = valueAt(root, path);
  return value !== null && typeof value === "object" ? Object.keys(value) : [];
}
