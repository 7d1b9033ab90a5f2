import { expect } from "chai";
import { parse } from "yaml";
import { givenValues } from "../../../core/mapping/given.ts";
import { MappingFile } from "../../../core/mapping/schema.ts";
import { SNOW, SOUND } from "../support/config-files.ts";

/** A mapping with this category and these custom fields. */
function mapping(category: string, custom = "{}"): MappingFile {
  const text = (SOUND[SNOW] ?? "")
    .replace("{ from: category }", category)
    .replace(/custom:[\s\S]*/, `custom: ${custom}\n`);
  return MappingFile.parse(parse(text));
}

const LISTED = '{ from: category, values: { "1": network, "2": hardware }, default: other }';

describe("the values that mappings give", () => {
  it("are those of a field that lists them, with its default", () => {
    expect(givenValues([mapping(LISTED)]).get("ticket.category")).to.deep.equal(["network", "hardware", "other"]);
  });

  it("are those of all mappings together", () => {
    const both = [mapping(LISTED), mapping("{ from: kind, values: { a: network, b: printer } }")];
    expect(givenValues(both).get("ticket.category")).to.deep.equal(["network", "hardware", "other", "printer"]);
  });

  it("are not known as soon as one mapping lets everything through", () => {
    expect(givenValues([mapping(LISTED), mapping("{ from: category }")]).has("ticket.category")).to.equal(false);
  });

  it("are empty where nothing is mapped", () => {
    expect(givenValues([mapping(LISTED)]).get("ticket.subcategory")).to.deep.equal([""]);
    expect(givenValues([]).size).to.equal(0);
  });

  it("hold what rules see of a custom field that another mapping does not have", () => {
    const tier =
      '{ tier: { from: t, values: { "1": gold } }, seats: { from: s, type: int, values: { a: 1 } }, free: { from: f } }';
    const given = givenValues([mapping(LISTED, tier), mapping(LISTED)]);
    expect(given.get("ticket.custom.tier")).to.deep.equal(["gold", ""]);
    expect(given.get("ticket.custom.seats")).to.deep.equal([1, 0]);
    expect(given.has("ticket.custom.free")).to.equal(false);
  });
});
