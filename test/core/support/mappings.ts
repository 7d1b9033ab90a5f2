import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { checkAgainst, parseYaml } from "../../../core/config/document.ts";
import { expressionCompiler } from "../../../core/expression.ts";
import type { Drift } from "../../../core/mapping/field.ts";
import { compileMapping, type Mapping } from "../../../core/mapping/mapping.ts";
import { MappingFile, MappingTests } from "../../../core/mapping/schema.ts";
import type { VendorRecord } from "../../../core/ports.ts";
import { ProblemsError } from "../../../core/problem.ts";
import type { Ticket, TicketRef } from "../../../core/ticket.ts";

export const SHIPPED = [
  "jira.change",
  "jira.incident",
  "servicenow.change",
  "servicenow.incident",
  "servicenow.request",
] as const;

/** The mapping of a text. Throws with everything that is wrong. */
export function mappingOf(text: string, name = "test"): Mapping {
  const parsed = parseYaml(`mappings/${name}.yaml`, text);
  if ("problems" in parsed) throw new ProblemsError(parsed.problems);
  const checked = checkAgainst(parsed.file, MappingFile);
  if ("problems" in checked) throw new ProblemsError(checked.problems);
  const compiled = compileMapping(name, parsed.file, checked.value, expressionCompiler({ record: "record" }));
  if ("problems" in compiled) throw new ProblemsError(compiled.problems);
  return compiled.mapping;
}

const REQUIRED: Readonly<Record<string, string>> = {
  title: "{ from: title }",
  status: "{ default: new }",
  priority: "{ default: 3 }",
  createdAt: '{ default: "2026-03-02T08:15:00.000Z" }',
  updatedAt: '{ default: "2026-03-02T08:15:00.000Z" }',
};

/** A mapping of the fields a test is about; what every mapping must have is filled in. */
export function mappingWith(fields: Readonly<Record<string, string>>, vendor = "servicenow", more = ""): Mapping {
  const lines = Object.entries({ ...REQUIRED, ...fields }).map(([field, rule]) => `  ${field}: ${rule}`);
  return mappingOf(`vendor: ${vendor}\nkind: incident\nfields:\n${lines.join("\n")}\n${more}`);
}

export const REF: TicketRef = { connection: "test", type: "incident", id: "1", key: "INC1" };

export function ticketOf(mapping: Mapping, record: VendorRecord): Ticket {
  const mapped = mapping.toTicket(REF, "1", record);
  if ("drift" in mapped) throw new Error(`drift: ${JSON.stringify(mapped.drift)}`);
  return mapped.ticket;
}

export function driftOf(mapping: Mapping, record: VendorRecord): readonly Drift[] {
  const mapped = mapping.toTicket(REF, "1", record);
  return "drift" in mapped ? mapped.drift : [];
}

export interface ShippedMapping {
  name: string;
  mapping: Mapping;
  file: MappingFile;
  /** A record of the vendor that maps, from the mapping's own tests. */
  record: VendorRecord;
}

/** A shipped mapping as it is compiled, as it is written, and a record for it. */
export function shippedMapping(name: string): ShippedMapping {
  const text = readFileSync(`mappings/${name}.yaml`, "utf8");
  const tests = MappingTests.parse(parse(readFileSync(`mappings/${name}.test.yaml`, "utf8")));
  for (const test of tests) {
    if ("record" in test && "expect" in test)
      return { name, mapping: mappingOf(text, name), file: MappingFile.parse(parse(text)), record: test.record };
  }
  throw new Error(`${name} has no test with a record that maps`);
}
