import axios from "axios";
import { urlOf } from "./address.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";

const CALL_TIMEOUT_MS = 10_000;

export interface AskOptions extends CommonOptions {
  /** Where the server listens; what its configuration says where it is absent. */
  server?: string;
}

export interface ServerAnswer {
  status: number;
  body: unknown;
}

/**
 * Asks the running server, which alone may write its store, with the admin token of this environment. Throws when there
 * is no token or no answer; every status is an answer.
 */
export async function askServer(
  method: "GET" | "POST",
  path: string,
  options: AskOptions,
  timeoutMs = CALL_TIMEOUT_MS,
): Promise<ServerAnswer> {
  const token = process.env["INTERLOCK_ADMIN_TOKEN"];
  if (!token) throw new Error("INTERLOCK_ADMIN_TOKEN is not set; set it to the token that the server was started with");
  const { listen } = readStoreSettings(options);
  const base = options.server ?? urlOf(listen.host, listen.port);
  const asked = axios.request<unknown>({
    method,
    url: `${base}${path}`,
    headers: { Authorization: `Bearer ${token}` },
    timeout: timeoutMs,
    maxRedirects: 0,
    proxy: false,
    validateStatus: () => true,
  });
  const answer = await asked.catch((cause: unknown) => {
    throw new Error(`no server answers at ${base}; start it (interlock serve), or name the right one with --server`, {
      cause,
    });
  });
  return { status: answer.status, body: answer.data };
}
