import { randomUUID, sign } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { ServiceNowConnection } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import { type Answer, json, refusal } from "./faults.ts";

/** Tokens live 1,799 s; one with less than this left is not used any more. */
const TOKEN_MARGIN_MS = 60_000;
/** How long a signed assertion may be presented: long enough for clocks that differ by minutes. */
const ASSERTION_LIFE_S = 300;

const Token = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.coerce.number().positive(),
});

type Auth = ServiceNowConnection["auth"];
type TokenAuth = Exclude<Auth, { type: "basic" | "api-key" }>;
type Form = Readonly<Record<string, string>>;

/** The headers that prove who calls. */
export type AuthHeaders = Readonly<Record<string, string>>;

export interface Credentials {
  headers(): Promise<AuthHeaders>;
  /** Forgets what was refused, unless a fresher one is here already; false when there is nothing fresher to be had. */
  renew(refused: AuthHeaders): boolean;
}

export interface AuthDeps {
  connection: string;
  clock: Clock;
  /** Names a signed assertion, which the instance takes once only. */
  newId?: () => string;
}

/** Posts a form to /oauth_token.do and makes of the answer what `read` does, under the connection's limits. */
export type TokenCall = <T>(form: Form, read: (answer: Answer) => T) => Promise<T>;

/**
 * What a connection logs in with. Tokens are kept in memory only, fetched once however many calls want one, and
 * renewed before they expire. A token that cannot be had is a ConnectorError: `auth` where the instance says so.
 */
export function credentialsFor(auth: Auth, deps: AuthDeps, ask: TokenCall): Credentials {
  if (auth.type === "basic") {
    const login = Buffer.from(`${auth.username}:${auth.password}`).toString("base64");
    return unchanging({ Authorization: `Basic ${login}` });
  }
  if (auth.type === "api-key") return unchanging({ "x-sn-apikey": auth.apiKey });
  return new TokenCredentials(auth, deps, ask);
}

function unchanging(headers: AuthHeaders): Credentials {
  return { headers: async () => headers, renew: () => false };
}

class TokenCredentials implements Credentials {
  readonly #auth: TokenAuth;
  readonly #deps: AuthDeps;
  readonly #ask: TokenCall;
  #token: { headers: AuthHeaders; untilMs: number } | undefined;
  #refreshToken: string | undefined;
  #fetching: Promise<AuthHeaders> | undefined;

  constructor(auth: TokenAuth, deps: AuthDeps, ask: TokenCall) {
    this.#auth = auth;
    this.#deps = deps;
    this.#ask = ask;
  }

  async headers(): Promise<AuthHeaders> {
    if (this.#token && this.#token.untilMs > this.#deps.clock.now()) return this.#token.headers;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  renew(refused: AuthHeaders): boolean {
    if (refused === this.#token?.headers) this.#token = undefined;
    return true;
  }

  async #fetch(): Promise<AuthHeaders> {
    const known = this.#refreshToken;
    if (known !== undefined) {
      try {
        return await this.#exchange({ grant_type: "refresh_token", refresh_token: known });
      } catch (error) {
        if (!(error instanceof ConnectorError) || error.kind !== "auth") throw error;
        // It ran out, or was revoked: the first grant is still good for a new one.
        this.#refreshToken = undefined;
      }
    }
    return this.#exchange(this.#grant());
  }

  #exchange(grant: Form): Promise<AuthHeaders> {
    const { clientId, clientSecret } = this.#auth;
    return this.#ask({ ...grant, client_id: clientId, client_secret: clientSecret }, (answer) => {
      const parsed = answer.status === 200 ? Token.safeParse(json(answer.data)) : undefined;
      if (!parsed?.success) throw tokenFault(this.#auth, this.#deps, answer);
      const { access_token, refresh_token, expires_in } = parsed.data;
      const lifeMs = expires_in * 1_000;
      // Half of a life that is shorter than the margin, or every call would fetch a token of its own.
      const untilMs = this.#deps.clock.now() + lifeMs - Math.min(TOKEN_MARGIN_MS, lifeMs / 2);
      this.#refreshToken = refresh_token ?? this.#refreshToken;
      this.#token = { headers: { Authorization: `Bearer ${access_token}` }, untilMs };
      return this.#token.headers;
    });
  }

  #grant(): Form {
    const auth = this.#auth;
    if (auth.type === "client-credentials") return { grant_type: "client_credentials" };
    if (auth.type === "password") return { grant_type: "password", username: auth.username, password: auth.password };
    const id = (this.#deps.newId ?? randomUUID)();
    return {
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: signedAssertion(auth, { nowMs: this.#deps.clock.now(), id }),
    };
  }
}

/** A JWT in which our key says for whom we act (RFC 7523), signed with RS256. */
function signedAssertion(
  { clientId, subject, keyId, privateKey }: Extract<TokenAuth, { type: "jwt-bearer" }>,
  { nowMs, id }: { nowMs: number; id: string },
): string {
  const iat = Math.floor(nowMs / 1_000);
  const claims = { iss: clientId, sub: subject, aud: clientId, iat, exp: iat + ASSERTION_LIFE_S, jti: id };
  const signed = [{ alg: "RS256", typ: "JWT", kid: keyId }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

const TO_CHECK: Record<TokenAuth["type"], string> = {
  "client-credentials": "auth.clientId and auth.clientSecret, and that the client-credentials grant is enabled",
  password:
    "auth.clientId, auth.clientSecret, auth.username and auth.password, and that the password grant is not disabled",
  "jwt-bearer":
    "auth.clientId, auth.clientSecret, auth.subject and auth.keyId, that the certificate of auth.privateKey is registered there, and the clocks of both machines",
};

function tokenFault(auth: TokenAuth, { connection, clock }: AuthDeps, answer: Answer): ConnectorError {
  const { status } = answer;
  // Only a refusal in so many words is one: a sleeping instance and a login page answer 200 or a redirect.
  if (status < 400 || status === 408 || status === 429 || status >= 500)
    return refusal({ connection, operation: "token", writes: false, nowMs: clock.now() }, answer);
  const message = `${connection} refused the OAuth client (${status}); check ${TO_CHECK[auth.type]}`;
  return new ConnectorError({ kind: "auth", connection, status, message });
}
