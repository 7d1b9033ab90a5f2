import { expect } from "chai";
import { POLICY_FILES } from "../../../core/config/policy-files.ts";
import { NAME_KEYS } from "../../../core/live/named.ts";
import { namedIn, questionFor } from "../../../core/live/questions.ts";
import { schemaTexts } from "../../../docs/schema/generate.ts";
import { configOf, edited, FOLDERS, filesOf, ROUTING, SNOW, SOUND, type Texts } from "../support/config-files.ts";

/** Texts of rules that are no names of groups and people. Items, services and keys of records are not asked for. */
const OTHER_TEXTS = [
  "label",
  ...["why", "when", "note", "task", "category", "subcategory"],
  ...["zone", "start", "end", "rrule", "calendar", "hours", "at", "scoreMin"],
  ...["cis", "services", "environments", "problem", "workaround"],
];

function namedOf(texts: Texts) {
  return namedIn(filesOf(texts), FOLDERS, configOf(texts)) ?? expect.fail("the texts of the test cannot be read");
}

/** Names of the properties of a JSON Schema that take any text. */
function textKeys(schema: unknown, key = ""): string[] {
  if (schema === null || typeof schema !== "object") return [];
  if (Array.isArray(schema)) return schema.flatMap((each) => textKeys(each, key));
  const { type, enum: closed, const: fixed, pattern, format, ...rest } = schema as Record<string, unknown>; // an object, just checked
  const any = type === "string" && [closed, fixed, pattern, format].every((bound) => bound === undefined);
  const inner = Object.entries(rest).flatMap(([name, value]) =>
    name === "properties" && value !== null && typeof value === "object"
      ? Object.entries(value).flatMap(([property, each]) => textKeys(each, property))
      : textKeys(value, key),
  );
  return [...(any ? [key] : []), ...inner];
}

describe("what a configuration names", () => {
  it("stands under keys that are known: a new text of a rule is a name, or is listed here as none", () => {
    const texts = schemaTexts();
    const keys = POLICY_FILES.flatMap((name) => textKeys(JSON.parse(texts[`${name}.json`] ?? "")));
    expect(keys).to.include("group").and.to.include("mention");
    expect([...new Set(keys)].filter((key) => !NAME_KEYS.has(key) && !OTHER_TEXTS.includes(key))).to.deep.equal([]);
  });

  it("is found in rules, conditions and mappings, each with its place", () => {
    const condition =
      'ticket.assignmentGroup == "Night Shift" && (inGroup(ticket.requester, "Board") || ticket.category != "")';
    const texts = edited(SOUND, ROUTING, 'ticket.custom.contactType == "phone"', `'${condition}'`);
    const { parties, values } = namedOf(texts);
    expect(
      parties.map(({ kind, anyOf, place }) => [
        kind,
        anyOf.join(),
        `${place.file}:${place.line}:${place.col} ${place.path}`,
      ]),
    ).to.deep.equal([
      ["group", "Senior Engineers", "config/policy/routing.yaml:5:30 rules.0.then.assign.group"],
      ["group", "Service Desk", "config/policy/routing.yaml:13:28 default.then.assign.group"],
      ["group", "Board", "config/policy/routing.yaml:8:82 rules.1.when"],
      ["group", "Night Shift", "config/policy/routing.yaml:8:38 rules.1.when"],
      ["group", "Service Desk", "mappings/snow.yaml:8:46 fields.assignmentGroup.intake"],
    ]);
    expect(values).to.deep.equal([]);
  });

  it("is asked of those systems only whose tickets it may be for", () => {
    const rule =
      'ticket.connection == "jira" && ticket.kind in ["incident", "problem"] && ticket.category == "Network"';
    const texts = edited(SOUND, ROUTING, 'ticket.kind == "incident" && ticket.priority <= 2', `'${rule}'`);
    const named = namedOf(texts);
    expect(named.parties[0]?.scope).to.deep.equal({ connections: ["jira"], kinds: ["incident", "problem"] });
    expect(named.values.map(({ field, anyOf, scope }) => [field, anyOf, scope.connections])).to.deep.equal([
      ["category", ["Network"], ["jira"]],
      ["custom.contactType", ["phone"], undefined],
    ]);
    expect(questionFor(named, "snow").groups).to.deep.equal(["Service Desk"]);
    expect(questionFor(named, "jira").groups).to.deep.equal(["Senior Engineers", "Service Desk"]);
  });

  it("asks a record type for all its vendor fields, and for the choices that something is held against", () => {
    const texts = edited(
      edited(SOUND, SNOW, "{ from: contact_type }", "{ cel: string(record.location), reads: [location] }"),
      SNOW,
      'values: { "1": 1, "2": 2, "3": 3 }, default: 3 }',
      'values: { "1": 1, "2": 2, "3": 3 }, default: 3, write: { "1": { impact: "1" } } }',
    );
    const [record] = questionFor(namedOf(texts), "snow").records;
    expect(record?.record).to.equal("incident");
    expect(record?.fields).to.include.members(["short_description", "impact", "location"]);
    // Nothing writes priority here, and no rule reads the category.
    expect(record?.lists).to.deep.equal(["state", "priority"]);
  });
});
