import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../core/clock.ts";
import { publicLookup } from "./address.ts";
import type { Finding } from "./finding.ts";

const SKEW_WARN_MS = 60_000;
/** Signatures are refused from here on. */
const SKEW_ERROR_MS = 300_000;

export interface ProbeOptions {
  baseUrl: string;
  path: string;
  allowPrivateAddress: boolean;
  timeoutMs: number;
  clock: Clock;
}

/** Asks without credentials: whether somebody answers over a sound connection, what kind of page, and how late it is there. */
export async function probe(options: ProbeOptions): Promise<{ reached: boolean; findings: Finding[] }> {
  const { baseUrl, clock } = options;
  try {
    const { headers, statusCode = 0 } = await head(options);
    const findings = skew(headers.date, clock.now(), baseUrl);
    if (statusCode < 300 && String(headers["content-type"] ?? "").includes("html")) {
      const what = "answers with a web page where its API should be: a sleeping instance, a login page or a proxy";
      const fix = "Wake the instance up in a browser, or correct baseUrl in interlock.yaml";
      return {
        reached: false,
        findings: [...findings, { severity: "error", check: "reach", where: baseUrl, what, fix }],
      };
    }
    return { reached: true, findings };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "no answer";
    const what = `cannot be reached (${code})`;
    return {
      reached: false,
      findings: [{ severity: "error", check: "reach", where: baseUrl, what, fix: reachFix(code) }],
    };
  }
}

function head(options: ProbeOptions): Promise<IncomingMessage> {
  const { baseUrl, path, allowPrivateAddress, timeoutMs } = options;
  const url = new URL(path, baseUrl);
  const guard = allowPrivateAddress ? {} : { lookup: publicLookup() };
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const signal = AbortSignal.timeout(timeoutMs);
    const call = send(url, { agent: false, signal, headers: { Accept: "application/json" }, ...guard }, (answer) => {
      resolve(answer);
      answer.destroy();
    });
    call.on("error", reject);
    call.end();
  });
}

function reachFix(code: string): string {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "Correct the host name in baseUrl, or the DNS of this machine";
  if (/CERT|TLS|SSL|SIGNATURE/.test(code))
    return "Its certificate is not trusted here: renew it, or give Node the issuing authority by NODE_EXTRA_CA_CERTS";
  if (code === "EPRIVATEADDRESS")
    return "Its name leads into a private network; set allowPrivateAddress: true where that is meant";
  return "Open the way from this machine to it (firewall, port), and check baseUrl";
}

function skew(date: string | undefined, nowMs: number, where: string): Finding[] {
  const theirsMs = Date.parse(date ?? "");
  const offMs = nowMs - theirsMs;
  if (Number.isNaN(offMs) || Math.abs(offMs) <= SKEW_WARN_MS) return [];
  const what = `this machine's clock is ${Math.round(Math.abs(offMs) / 1_000)} s ${offMs > 0 ? "ahead of" : "behind"} the vendor's; signatures are refused beyond 300 s`;
  const severity = Math.abs(offMs) >= SKEW_ERROR_MS ? "error" : "warning";
  return [{ severity, check: "clock", where, what, fix: "Set this machine's clock by NTP" }];
}
