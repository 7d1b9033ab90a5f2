import { createHash } from "node:crypto";
import fc from "fast-check";
import { decided } from "../support/policies.ts";
import { anyFacts, anyHour, anyPolicy, anyWorldTicket } from "../support/worlds.ts";

/**
 * Decides on the same cases wherever it is run, and tells one digest of all decisions, with the zone and the language
 * of the machine as this process has them. Arguments: how many cases, and their seed.
 */
const [numRuns, seed] = process.argv.slice(2).map(Number);
if (numRuns === undefined || seed === undefined) throw new Error("usage: decided-elsewhere.ts <cases> <seed>");
Error.stackTraceLimit = 0;
const digest = createHash("sha256");
let cases = 0;
fc.assert(
  fc.property(anyWorldTicket, anyFacts, anyPolicy, anyHour, (ticket, facts, { policy }, nowMs) => {
    digest.update(decided(ticket, policy, nowMs, facts).id);
    cases += 1;
  }),
  { numRuns, seed },
);
const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions();
process.stdout.write(JSON.stringify({ cases, digest: digest.digest("hex"), timeZone, locale }));
