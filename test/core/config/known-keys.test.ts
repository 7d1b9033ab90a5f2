import { expect } from "chai";
import { z } from "zod";
import { knownKeys } from "../../../core/config/known-keys.ts";
import { Settings } from "../../../core/config/settings.ts";
import { SlaFile } from "../../../core/policy/sla.ts";

describe("the keys that are known at a place", () => {
  it("are those of the object, through defaults and refinements", () => {
    expect(knownKeys(Settings, ["listen"], {})).to.deep.equal(["host", "port"]);
    expect(knownKeys(Settings, [], {})).to.include.members(["listen", "connections", "mode"]);
  });

  it("are those of the variant that the value is", () => {
    const root = { connections: { snow: { type: "servicenow", auth: { type: "basic", usrname: "x" } } } };
    expect(knownKeys(Settings, ["connections", "snow", "auth"], root)).to.deep.equal(["type", "username", "password"]);
    expect(knownKeys(Settings, ["connections", "snow"], root)).not.to.include("deployment");
  });

  it("are those of every variant where the value says none", () => {
    const schema = z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.string() })]);
    expect(knownKeys(schema, [], { c: 1 })).to.deep.equal(["a", "b"]);
  });

  it("are the names of a record that has a closed list of them", () => {
    expect(knownKeys(SlaFile, ["rules", 0, "then", "clocks"], {})).to.deep.equal(["response", "resolution"]);
  });

  it("are none where anything may stand, or nothing does", () => {
    expect(knownKeys(Settings, ["connections"], {})).to.deep.equal([]);
    expect(knownKeys(Settings, ["mode"], {})).to.deep.equal([]);
    expect(knownKeys(Settings, ["no", "such"], {})).to.deep.equal([]);
  });
});
