/** Who calls: an API token, or nobody. */
import { randomBytes } from "node:crypto";
import type { Request, RequestHandler } from "express";
import type { JiraSite, JiraUser } from "./jira-site.ts";
import { nameCaller } from "./sim-server.ts";

/** Puts the headers of every answer, and the caller's account into `res.locals`. */
export function logIn(site: JiraSite): RequestHandler {
  return (req, res, next) => {
    res.set({
      Server: "AtlassianEdge",
      "Atl-Traceid": randomBytes(16).toString("hex"),
      "X-Arequestid": randomBytes(16).toString("hex"),
    });
    const caller = authenticate(site, req);
    // A wrong token makes a Data Center say nothing at all.
    if (caller === "refused" && site.about.deployment === "cloud")
      res.set("X-Seraph-Loginreason", "AUTHENTICATED_FAILED");
    if (typeof caller !== "string") {
      nameCaller(res, caller.accountId);
      res.locals["caller"] = caller.accountId;
    }
    next();
  };
}

/** Wrong credentials do not stop a request: it goes on as an anonymous one, with a header that says so. */
function authenticate(site: JiraSite, req: Request): JiraUser | "anonymous" | "refused" {
  const [scheme = "", credentials = ""] = (req.get("authorization") ?? "").split(" ");
  if (scheme === "") return "anonymous";
  const users = [...site.users.values()].filter((user) => user.apiToken !== undefined);
  if (scheme.toLowerCase() === "bearer") return users.find((user) => user.apiToken === credentials) ?? "refused";
  const pair = Buffer.from(credentials, "base64").toString("utf8");
  return users.find((user) => `${user.emailAddress}:${user.apiToken}` === pair) ?? "refused";
}
