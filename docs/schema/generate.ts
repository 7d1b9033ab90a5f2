/**
 * JSON Schemas of everything an admin writes, so that editors complete and underline. Run as a program it writes them
 * beside itself; a test holds what is written against what would be.
 */
import { writeFileSync } from "node:fs";
import { z } from "zod";
import { HistoryFile } from "../../core/backtest/history.ts";
import { POLICY_FILES } from "../../core/config/policy-files.ts";
import { Settings } from "../../core/config/settings.ts";
import { MappingFile, MappingTests } from "../../core/mapping/schema.ts";
import { AutonomyFile } from "../../core/policy/autonomy.ts";
import { ChangeRiskFile } from "../../core/policy/change-risk.ts";
import { DurationMs } from "../../core/policy/duration.ts";
import { FreezesFile } from "../../core/policy/freezes.ts";
import { GatesFile } from "../../core/policy/gates.ts";
import { IncidentsFile } from "../../core/policy/incidents.ts";
import { KnowledgeFile } from "../../core/policy/knowledge.ts";
import { RequestsFile } from "../../core/policy/requests.ts";
import { RoutingFile } from "../../core/policy/routing.ts";
import { SlaFile } from "../../core/policy/sla.ts";
import { PolicyTests } from "../../core/policy/test-file.ts";

interface Described {
  title: string;
  schema: z.ZodType;
}

/** Name of the schema → what it is of. */
const SCHEMAS: Readonly<Record<string, Described>> = {
  interlock: { title: "config/interlock.yaml: what the sidecar connects to", schema: Settings },
  mapping: { title: "mappings/<name>.yaml: how a vendor's record becomes a ticket", schema: MappingFile },
  "mapping-tests": { title: "mappings/<name>.test.yaml", schema: MappingTests },
  history: { title: "mappings/history/<name>.yaml: how a file of history is read", schema: HistoryFile },
  routing: { title: "config/policy/routing.yaml: who works on what; the first rule that matches", schema: RoutingFile },
  gates: { title: "config/policy/gates.yaml: who must approve what; all rules that match", schema: GatesFile },
  freezes: { title: "config/policy/freezes.yaml: when nothing may change; all that match", schema: FreezesFile },
  sla: { title: "config/policy/sla.yaml: clocks and their steps; the first rule that matches", schema: SlaFile },
  autonomy: { title: "config/policy/autonomy.yaml: what happens without a person", schema: AutonomyFile },
  "change-risk": { title: "config/policy/change-risk.yaml: what makes a change risky", schema: ChangeRiskFile },
  requests: { title: "config/policy/requests.yaml: catalogue items", schema: RequestsFile },
  incidents: { title: "config/policy/incidents.yaml: correlation, major, known errors", schema: IncidentsFile },
  knowledge: { title: "config/policy/knowledge.yaml: when articles are offered", schema: KnowledgeFile },
  "policy-tests": { title: "config/policy/<file>.test.yaml: what must be decided for a ticket", schema: PolicyTests },
};

const FILES: ReadonlySet<string> = new Set(POLICY_FILES);

/** What editors show over a key of a policy file; the same words in all of them. */
const MEANINGS: Readonly<Record<string, string>> = {
  id: "Lower-case letters, digits and dashes. Notes and evidence name the rule by it.",
  why: "The sentence that people read in the ticket.",
  when: "A condition in CEL over ticket, facts and now: docs/policy.md lists what it may read.",
  approvers:
    "group, groups, person or people. need: any one of them (the default), all, one-of-each, a share such as 60%, or a number.",
  before: "What waits for the answer.",
  binds: "Change one of these fields and the approval is void and asked for again.",
  expires: "How long an answer is waited for.",
  fallback: "Who is asked when an approver is gone.",
  severity: "hard: the change waits until its window is moved. soft: it goes on once its override is approved.",
  rrule: "RFC 5545, daily or rarer, such as FREQ=WEEKLY;BYDAY=FR.",
  zone: "An IANA name such as Europe/Berlin.",
  stops: "Statuses in which the clock has met its end.",
  pauses: "Statuses in which the clock stands still.",
  takeOver: "true: also when a person chose another group.",
  mode: "observe: decide and record. suggest: also write a note. act: also write the fields.",
  killSwitch: "true: nothing is written anywhere, whatever else stands here.",
};

/** What a text must look like where a schema turns it into something else. */
const FORMS = new Map<unknown, object>([
  [DurationMs, { pattern: "^(\\d{1,5}d)?(\\d{1,5}h)?(\\d{1,5}m)?(\\d{1,5}s)?$", examples: ["30m", "4h", "2d"] }],
]);

/** File name → text of every schema. Draft 7, which all editors know. */
export function schemaTexts(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(SCHEMAS).map(([name, { title, schema }]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, {
        io: "input",
        // A mapping has one form of field thirty times.
        reused: name === "mapping" || name === "history" ? "ref" : "inline",
        target: "draft-7",
        override: ({ zodSchema, jsonSchema, path }) => {
          Object.assign(jsonSchema, FORMS.get(zodSchema));
          const [parent, key] = path.slice(-2);
          const meaning = parent === "properties" && FILES.has(name) ? MEANINGS[String(key)] : undefined;
          if (meaning !== undefined) jsonSchema.description = meaning;
        },
      });
      return [`${name}.json`, `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`];
    }),
  );
}

if (import.meta.main)
  for (const [name, text] of Object.entries(schemaTexts())) writeFileSync(new URL(name, import.meta.url), text);
