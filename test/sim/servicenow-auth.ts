/** Who calls: Basic with a known user's password, an API key, or a token from /oauth_token.do that dies after 1799 seconds. */
import { randomBytes } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";
import { type JwtProvider, subjectOf } from "./servicenow-jwt.ts";
import { bodyText, nameCaller } from "./sim-server.ts";

export interface OAuthClient {
  clientId: string;
  clientSecret: string;
  /** The user that client-credentials tokens act as, and that the API key stands for. */
  user: string;
  apiKey: string;
  /** Without one no signed assertion is taken. */
  jwt?: JwtProvider | undefined;
}

export interface ServiceNowAuth {
  setPassword(userName: string, password: string): void;
  /** POST /oauth_token.do */
  token: RequestHandler;
  /** Ends every access token, and with `refresh` every refresh token too. */
  expire(which?: { refresh: boolean }): void;
  /** The caller's user_name, or undefined when nobody can be made of the request. */
  caller(req: Request): string | undefined;
}

const ACCESS_LIFE_MS = 1_799_000;
const REFRESH_LIFE_MS = 100 * 24 * 3_600_000;

interface Grant {
  user: string;
  expiresAtMs: number;
}

/** No users yet; tokens live as long as the injected clock says. */
export function createAuth(client: OAuthClient, now: () => number): ServiceNowAuth {
  const passwords = new Map<string, string>();
  const access = new Map<string, Grant>();
  const refresh = new Map<string, Grant>();
  const assertions = new Set<string>();

  function live(grants: Map<string, Grant>, token: string): Grant | undefined {
    const grant = grants.get(token);
    return grant !== undefined && grant.expiresAtMs > now() ? grant : undefined;
  }

  function issue(user: string, withRefresh: boolean): Record<string, string | number> {
    const accessToken = randomBytes(48).toString("base64url");
    access.set(accessToken, { user, expiresAtMs: now() + ACCESS_LIFE_MS });
    const answer = { access_token: accessToken, scope: "useraccount", token_type: "Bearer", expires_in: 1799 };
    if (!withRefresh) return answer;
    const refreshToken = randomBytes(48).toString("base64url");
    refresh.set(refreshToken, { user, expiresAtMs: now() + REFRESH_LIFE_MS });
    return { ...answer, refresh_token: refreshToken };
  }

  function grant(form: URLSearchParams): Record<string, string | number> | undefined {
    const known = form.get("client_id") === client.clientId && form.get("client_secret") === client.clientSecret;
    if (!known) return undefined;
    const userName = form.get("username") ?? "";
    switch (form.get("grant_type")) {
      case "client_credentials":
        return issue(client.user, false);
      case "password":
        return passwords.has(userName) && passwords.get(userName) === form.get("password")
          ? issue(userName, true)
          : undefined;
      case "refresh_token": {
        const old = live(refresh, form.get("refresh_token") ?? "");
        return old === undefined ? undefined : issue(old.user, true);
      }
      case "urn:ietf:params:oauth:grant-type:jwt-bearer": {
        const check = { provider: client.jwt, clientId: client.clientId, nowMs: now(), seen: assertions };
        const subject = subjectOf(form.get("assertion") ?? "", check);
        return subject !== undefined && (passwords.has(subject) || subject === client.user)
          ? issue(subject, false)
          : undefined;
      }
      default:
        return undefined;
    }
  }

  return {
    setPassword: (userName, password) => void passwords.set(userName, password),
    token(req: Request, res: Response): void {
      // Only a form body counts: neither JSON nor the query string.
      const isForm = req.is("application/x-www-form-urlencoded") !== false;
      const form = new URLSearchParams(isForm ? bodyText(req) : "");
      const answer = grant(form);
      if (answer === undefined) {
        res.status(401).json({ error: "server_error", error_description: "access_denied" });
        return;
      }
      nameCaller(res, form.get("client_id") ?? "");
      res.json(answer);
    },
    expire(which) {
      access.clear();
      if (which?.refresh) refresh.clear();
    },
    caller(req) {
      const apiKey = req.get("x-sn-apikey");
      if (apiKey !== undefined) return apiKey === client.apiKey ? client.user : undefined;
      const [scheme = "", credentials = ""] = (req.get("authorization") ?? "").split(" ");
      if (scheme.toLowerCase() === "bearer") return live(access, credentials)?.user;
      if (scheme.toLowerCase() !== "basic") return undefined;
      const [, userName = "", password = ""] =
        /^([^:]*):(.*)$/s.exec(Buffer.from(credentials, "base64").toString("utf8")) ?? [];
      return passwords.has(userName) && passwords.get(userName) === password ? userName : undefined;
    },
  };
}
