import { isIPv6 } from "node:net";

/** Addresses that mean "listen everywhere" and that nobody can call: the loopback address of the same family can. */
const EVERYWHERE: Readonly<Record<string, string>> = { "": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Where a server with this `listen.host` answers to a caller on the same machine. */
export function callableHost(host: string): string {
  return EVERYWHERE[host] ?? host;
}

/** The same as a URL, such as http://127.0.0.1:8080. */
export function urlOf(host: string, port: number): string {
  const callable = callableHost(host);
  return `http://${isIPv6(callable) ? `[${callable}]` : callable}:${port}`;
}
