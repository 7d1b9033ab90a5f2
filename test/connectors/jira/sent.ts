/** Holds every request that any test's connector sends to Jira Cloud against Jira's own API document. */
import { existsSync, readFileSync } from "node:fs";
import { ApiDocument } from "../../sim/openapi.ts";

export const PLATFORM = "../shared/specs/jira-cloud-platform-v3.openapi.json";

let document: ApiDocument | undefined;
let open = 0;
let original: typeof fetch | undefined;
const found = new Set<string>();

/**
 * From here on requests are looked at. The answer ends that, and throws where one of them was not as the document has
 * it. Answers are not looked at: tests script faults, which are none of Jira's own (see test/sim/openapi.test.ts).
 */
export function watchSent(): () => void {
  if (!existsSync(PLATFORM)) return () => {};
  document ??= new ApiDocument(readFileSync(PLATFORM, "utf8"));
  if (open === 0) install(document);
  open += 1;
  let over = false;
  return () => {
    if (over) return;
    over = true;
    open -= 1;
    if (open === 0 && original !== undefined) globalThis.fetch = original;
    const differences = [...found];
    found.clear();
    if (differences.length > 0) throw new Error(`requests that Jira does not describe: ${differences.join("; ")}`);
  };
}

/** jira.js looks the global fetch up with every call. */
function install(described: ApiDocument): void {
  const carry = globalThis.fetch;
  original = carry;
  globalThis.fetch = (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    if (pathname.startsWith("/rest/api/3/")) {
      const requestBody = typeof init?.body === "string" ? init.body : "";
      const asked = { method: init?.method ?? "GET", path: pathname + search, requestBody };
      for (const difference of described.requestDifferences(asked)) found.add(difference);
    }
    return carry(input, init);
  };
}
