import { expect } from "chai";
import fc from "fast-check";
import { fieldValue, SETTABLE_FIELDS } from "../../../core/ticket.ts";
import { driftOf, mappingOf, mappingWith, REF, SHIPPED, shippedMapping, ticketOf } from "../support/mappings.ts";
import { decided, policyOf } from "../support/policies.ts";

/** What ServiceNow makes of impact and urgency, by its default lookup rules. */
const PRIORITY: Readonly<Record<string, string>> = {
  "1/1": "1",
  "1/2": "2",
  "1/3": "3",
  "2/1": "2",
  "2/2": "3",
  "2/3": "4",
  "3/1": "3",
  "3/2": "4",
  "3/3": "5",
};

function asInstance(record: Record<string, unknown>): Record<string, unknown> {
  const priority = PRIORITY[`${String(record["impact"])}/${String(record["urgency"])}`];
  return priority === undefined ? record : { ...record, priority };
}

describe("the shipped mappings: written and read back", () => {
  for (const name of SHIPPED) {
    const { mapping, file, record } = shippedMapping(name);
    const valued = SETTABLE_FIELDS.filter((field) => file.fields[field]?.values && mapping.canWrite(field));

    it(`${name} gives every value of ${valued.join(", ") || "no field"} back as it was written`, () => {
      for (const field of valued) {
        for (const value of new Set(Object.values(file.fields[field]?.values ?? {}))) {
          const patch = mapping.toVendor(field, value);
          // A choice that an instance has only where somebody added it is read, and written by whoever adds it here.
          const isRare = name === "servicenow.change" && value === "very_high";
          expect(patch === undefined, `${field} = ${value}`).to.equal(isRare);
          if (isRare) continue;
          const written = { ...record, ...patch };
          const after = ticketOf(mapping, name === "servicenow.incident" ? asInstance(written) : written);
          expect(fieldValue(after, field), `${field} = ${value}`).to.equal(value);
        }
      }
    });

    it(`${name} cannot write a value that the vendor has not`, () => {
      for (const field of valued) expect(mapping.toVendor(field, "no such value"), field).to.equal(undefined);
      for (const field of valued) expect(mapping.toVendor(field, "constructor"), field).to.equal(undefined);
    });

    it(`${name} reads sorted paths, each once, and no others`, () => {
      expect(mapping.reads).to.deep.equal([...new Set(mapping.reads)].sort());
      const touched = new Set<string>();
      const seen = new Proxy(record, {
        getOwnPropertyDescriptor: (target, key) => {
          touched.add(String(key));
          return Object.getOwnPropertyDescriptor(target, key);
        },
      });
      ticketOf(mapping, seen);
      const roots = new Set(mapping.reads.flatMap((path) => [path, path.split(".")[0] ?? ""]));
      for (const key of touched) expect([...roots], key).to.include(key);
    });
  }

  it("together write every field that can be written by values", () => {
    const fields = SHIPPED.flatMap((name) =>
      SETTABLE_FIELDS.filter((field) => shippedMapping(name).mapping.canWrite(field)),
    );
    expect([...new Set(fields)].sort()).to.deep.equal([...SETTABLE_FIELDS].sort());
  });
});

describe("a mapping", () => {
  it("keeps the reference and the revision it is given", () => {
    const ticket = ticketOf(mappingWith({}), {});
    expect(ticket.ref).to.deep.equal(REF);
    expect(ticket.revision).to.equal("1");
  });

  it("fills in what it does not map: nobody, nothing, empty", () => {
    const { assignee, requester, ci, service, labels, change, request, custom, impact } = ticketOf(mappingWith({}), {});
    const nobody = { id: "", name: "", email: "" };
    expect({ assignee, requester, ci, service, labels, change, request, custom, impact }).to.deep.equal({
      assignee: nobody,
      requester: nobody,
      ci: "",
      service: "",
      labels: [],
      change: { type: "", risk: "", backoutPlan: "", cabRequired: false, onHold: false, outcome: "" },
      request: { item: "", quantity: 0, price: 0 },
      custom: {},
      impact: 3,
    });
  });

  it("reports every unknown value, not the first", () => {
    const mapping = mappingWith({
      status: "{ from: state, values: { a: new } }",
      createdAt: "{ from: created }",
      urgency: "{ from: urgency, values: { a: 1 } }",
    });
    const found = driftOf(mapping, { state: "b", created: "yesterday", urgency: "" });
    expect(found.map(({ field }) => field).sort()).to.deep.equal(["createdAt", "status", "urgency"]);
    expect(found.find(({ field }) => field === "status")).to.deep.equal({
      field: "status",
      path: "state",
      received: "b",
    });
    expect(found.find(({ field }) => field === "urgency")?.received).to.equal("(empty)");
  });

  it("has no intake value and no way to write where its file has none", () => {
    const mapping = mappingWith({ category: "{ from: category }" });
    expect(mapping.intake("category")).to.deep.equal([]);
    expect(mapping.intake("urgency")).to.deep.equal([]);
    expect(mapping.canWrite("urgency")).to.equal(false);
    expect(mapping.toVendor("urgency", 1)).to.equal(undefined);
  });

  it("does not write through a reference of ServiceNow, and does through a value of Jira", () => {
    const fields = { category: "{ from: parent.category }" };
    expect(mappingWith(fields, "servicenow").canWrite("category")).to.equal(false);
    expect(mappingWith(fields, "jira").toVendor("category", "x")).to.deep.equal({ "parent.category": "x" });
  });

  it("does not write what an expression reads, unless a table says how", () => {
    const cel = "{ cel: \"record.a == '1' ? 'x' : 'y'\", reads: [a] }";
    expect(mappingWith({ category: cel }).canWrite("category")).to.equal(false);
    const table = "{ cel: \"record.a == '1' ? 'x' : 'y'\", reads: [a], write: { x: { a: '1' } } }";
    expect(mappingWith({ category: table }).toVendor("category", "x")).to.deep.equal({ a: "1" });
    expect(mappingWith({ category: table }).toVendor("category", "y")).to.equal(undefined);
    expect(mappingWith({ category: table }).reads).to.include("a");
  });

  it("maps custom fields by their type, empty where they are", () => {
    const custom = "custom:\n  a: { from: a }\n  b: { from: b, type: int }\n  c: { from: c, type: bool }\n";
    const mapping = mappingWith({}, "servicenow", custom);
    expect(mapping.custom).to.deep.equal({ a: "string", b: "int", c: "bool" });
    expect(ticketOf(mapping, { a: "x", b: "2", c: "true" }).custom).to.deep.equal({ a: "x", b: 2, c: true });
    expect(ticketOf(mapping, {}).custom).to.deep.equal({ a: "", b: 0, c: false });
    expect(driftOf(mapping, { c: "maybe" })).to.deep.equal([
      { field: "custom.c", path: "c", received: "not true or false" },
    ]);
  });

  it("takes half a character out of every text, so that a decision has a digest", () => {
    const mapping = mappingWith(
      {
        category: "{ from: category }",
        assignmentGroup: "{ from: group }",
        description: "{ from: adf, transform: adf }",
      },
      "jira",
      "custom:\n  a: { from: a }\n",
    );
    const half = "VPN \ud83d";
    const adf = { type: "doc", content: [{ type: "paragraph", content: [{ type: "text", text: half }] }] };
    const ticket = ticketOf(mapping, { title: half, category: half, group: { id: half, name: half }, adf, a: half });
    expect(JSON.stringify(ticket).isWellFormed() && !JSON.stringify(ticket).includes("\\ud83d")).to.equal(true);
    expect(ticket.title).to.equal("VPN \ufffd");
    expect(decided(ticket, policyOf([]), 0).id).to.match(/^[0-9a-f]{16}$/);
  });

  describe("drift never quotes free text", () => {
    const CANARY = "Kanarienvogel";
    const text = fc.constantFrom(
      CANARY,
      `${CANARY} 7`,
      `7 ${CANARY}`,
      `2026-${CANARY}`,
      `${CANARY};12`,
      `<b>${CANARY}`,
    );
    const odd = text.chain((word) =>
      fc.constantFrom<unknown>(
        word,
        [word],
        { value: { text: word } },
        { type: word },
        { content: word },
        [[word]],
        word.length,
      ),
    );
    for (const name of SHIPPED) {
      const { mapping, file, record } = shippedMapping(name);
      const closed = new Set(
        [...Object.values(file.fields), ...Object.values(file.custom)].flatMap((rule) =>
          rule?.values ? [rule.from?.split(".")[0]] : [],
        ),
      );
      const open = Object.keys(record).filter((key) => !closed.has(key.split(".")[0]));

      it(`of ${name}, whatever stands in its fields (property)`, () => {
        fc.assert(
          fc.property(fc.subarray(open, { minLength: 1 }), odd, (keys, value) => {
            const found = driftOf(mapping, { ...record, ...Object.fromEntries(keys.map((key) => [key, value])) });
            expect(JSON.stringify(found)).not.to.include(CANARY);
          }),
        );
      });
    }

    it("cuts the value of a closed list that is long", () => {
      const mapping = mappingWith({ status: "{ from: state, values: { a: new } }" });
      expect(driftOf(mapping, { state: `${"x".repeat(59)}😀yyy` })[0]?.received).to.equal(`${"x".repeat(59)}\ufffd`);
    });
  });

  describe("prototype pollution changes nothing", () => {
    const hostile = JSON.parse(
      '{"__proto__":{"polluted":1,"title":"p"},"constructor":{"prototype":{"polluted":1}},"toString":"x","title":"t"}',
    ) as Record<string, unknown>; // a literal above

    it("by keys of a record", () => {
      expect(ticketOf(mappingWith({ category: "{ from: polluted }" }), hostile).category).to.equal("");
      expect(ticketOf(mappingWith({}), JSON.parse('{"__proto__":{"title":"p"}}')).title).to.equal("");
      expect(({} as Record<string, unknown>)["polluted"]).to.equal(undefined); // looks through the prototype on purpose
    });

    it("by paths of a mapping, which are refused", () => {
      for (const path of ["__proto__", "a.__proto__", "constructor.name", "a.prototype.b", "prototype"])
        expect(() => mappingWith({ category: `{ from: ${path} }` }), path).to.throw();
    });

    it("by values that are names of methods", () => {
      const mapping = mappingWith({
        status: "{ from: state, values: { a: new } }",
        category: "{ from: c, write: { a: { b: c } } }",
      });
      for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
        const drift = [{ field: "status", path: "state", received: name }];
        expect(driftOf(mapping, { state: name }), name).to.deep.equal(drift);
        expect(mapping.toVendor("category", name), name).to.equal(undefined);
      }
    });

    it("by names of custom fields, which are refused", () => {
      for (const name of ["__proto__", "constructor", "prototype"])
        expect(() => mappingWith({}, "jira", `custom:\n  ${name}: { from: a }\n`), name).to.throw();
    });
  });

  it("is refused with every problem of its fields", () => {
    const text =
      "vendor: jira\nkind: incident\nfields:\n  title: { intake: [a] }\n  status: { from: a, values: { a: new, b: new } }\n  priority: { from: a, cel: b }\n  createdAt: { from: a }\n  updatedAt: { from: a }\n";
    expect(() => mappingOf(text)).to.throw("3 problems");
  });
});
