/** The container's health check: 0 when the server on this machine says it is ready. */
import { request } from "node:http";
import { callableHost } from "./address.ts";
import { readStoreSettings } from "./config.ts";

const TIMEOUT_MS = 4_000;

const { host, port } = readStoreSettings({}).listen;
const check = request({ host: callableHost(host), port, path: "/readyz", timeout: TIMEOUT_MS }, (answer) => {
  answer.resume();
  process.exitCode = answer.statusCode === 200 ? 0 : 1;
});
check.on("timeout", () => check.destroy(new Error("no answer")));
check.on("error", () => {
  process.exitCode = 1;
});
check.end();
