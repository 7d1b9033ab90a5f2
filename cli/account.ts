import { InvalidArgumentError } from "commander";
import type { Connection } from "../core/config/settings.ts";

/** Where the password (ServiceNow) or API token (Jira) of the account named by `--as` stands. */
export const AS_SECRET = "INTERLOCK_AS_SECRET";

/** The connection of that name. Throws an InvalidArgumentError that lists what there is. */
export function connectionNamed(connections: Readonly<Record<string, Connection>>, name: string): Connection {
  const found = Object.hasOwn(connections, name) ? connections[name] : undefined;
  if (found) return found;
  throw new InvalidArgumentError(
    `there is no connection ${name}; interlock.yaml has ${Object.keys(connections).join(", ")}`,
  );
}

/** The same connection, used as somebody else: an administrator does not lend the sidecar its rights for longer than a command. */
export function asAccount<T extends Connection>(connection: T, as: string | undefined, env: NodeJS.ProcessEnv): T {
  if (as === undefined) return connection;
  const secret = env[AS_SECRET];
  if (!secret) throw new InvalidArgumentError(`--as ${as} needs its password or API token in ${AS_SECRET}`);
  const auth =
    connection.type === "servicenow"
      ? { type: "basic", username: as, password: secret }
      : { type: "basic", email: as, apiToken: secret };
  return { ...connection, auth };
}

/** Where the vendor sends to: the public address of the sidecar and the connection's route. Throws an InvalidArgumentError. */
export function webhookUrl(name: string, { allowPrivateAddress }: Connection, publicUrl: string): string {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  const secure = url?.protocol === "https:" || (allowPrivateAddress && url?.protocol === "http:");
  if (!url || !secure || url.search !== "" || url.hash !== "" || url.username !== "")
    throw new InvalidArgumentError(
      "--public-url is the https address at which the vendor reaches this sidecar, such as https://interlock.acme.com",
    );
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}/webhooks/${name}`;
}

/** The secret to install: of two, the newer one, which stands second while they are rotated. Throws where there is none. */
export function installedSecret(name: string, { webhookSecrets }: Connection): string {
  const secret = webhookSecrets?.at(-1);
  if (secret !== undefined) return secret;
  throw new Error(
    `connection ${name} has webhookAuth; connect installs senders that sign. Replace it by webhookSecrets, or set the sender up by hand (docs/webhooks.md)`,
  );
}
