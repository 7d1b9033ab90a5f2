import { policyFromKept } from "../core/config/policy-files.ts";
import type { Decision } from "../core/decision.ts";
import { redecide } from "../core/policy/decide.ts";
import type { Store } from "../core/store/store.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";
import { lookAt } from "./store.ts";
import { systemClock } from "./system.ts";

/** What came of making a decision again. */
type Replayed =
  | { decision: string; identical: true; policyVersion: string; decidedAt: string }
  | { decision: string; identical: false; policyVersion: string; decidedAt: string; differences: string[] };

/** `interlock replay <decision>`: makes a decision again from what was kept of it. Exit code 1 when it is not the same. */
export async function replay(id: string, options: CommonOptions): Promise<0 | 1> {
  const { store: url } = readStoreSettings(options);
  const found = await lookAt(url, systemClock, (store) => replayFrom(store, id));
  if ("missing" in found) {
    console.error(found.missing);
    return 1;
  }
  if (options.json) console.log(JSON.stringify(found));
  else for (const line of told(found)) console.log(line);
  return found.identical ? 0 : 1;
}

async function replayFrom(store: Store, id: string): Promise<Replayed | { missing: string }> {
  const kept = await store.decided(id);
  if (!kept) return { missing: `${id}: no decision of that id is kept here; explain names a ticket's decision` };
  const { inputs, ticket } = kept;
  const version = inputs.policyVersion;
  const policy = await store.policy(version);
  if (!policy) return { missing: `${id}: its policy version ${version} is not kept here, so it cannot be made again` };
  const outcome = redecide(inputs, policyFromKept(policy));
  const head = { decision: id, policyVersion: version, decidedAt: inputs.now };
  if ("needs" in outcome)
    return {
      ...head,
      identical: false,
      differences: [`it asks for facts it did not ask for: ${outcome.needs.join(", ")}`],
    };
  const again = outcome.decision;
  if (again.id === id) return { ...head, identical: true };
  const [connection = "", , recordId = ""] = ticket.split("/");
  const before = (await store.view(connection, recordId))?.decision;
  return { ...head, identical: false, differences: differences(before?.id === id ? before : undefined, again) };
}

function differences(before: Decision | undefined, again: Decision): string[] {
  if (!before) return [`it comes out as ${again.id}; what it was then is in the ledger only, as its digest`];
  const keys = Object.keys(again).filter((key) => key !== "id") as (keyof Decision)[]; // a decision's own keys
  return keys.flatMap((key) => {
    const [then, now] = [JSON.stringify(before[key]), JSON.stringify(again[key])];
    return then === now ? [] : [`${key} was ${then}, and comes out as ${now}`];
  });
}

function told(replayed: Replayed): string[] {
  const { decision, policyVersion, decidedAt } = replayed;
  if (replayed.identical)
    return [
      `Decision ${decision} of ${decidedAt} comes out the same, byte for byte, under its policy ${policyVersion}.`,
    ];
  return [
    `Decision ${decision} of ${decidedAt} does NOT come out the same under its policy ${policyVersion}:`,
    ...replayed.differences.map((line) => `  ${line}.`),
    "Either what was kept was changed, or this program decides otherwise than the one that made it.",
  ];
}
