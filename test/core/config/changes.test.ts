import { expect } from "chai";
import { mappingChanges, mappingsVersion } from "../../../core/config/changes.ts";
import { mappingOf, mappingWith } from "../support/mappings.ts";

const CATEGORY = { category: "{ from: category, intake: [inquiry, other] }" };

describe("the version of a mapping", () => {
  const mapping = mappingWith(CATEGORY);

  it("is that of its content: comments, spaces and the order of keys are none", () => {
    const text = (category: string): string => `vendor: servicenow
kind: incident
fields:
  title: { from: title }
  status: { default: new }
  priority: { default: 3 }
  createdAt: { from: sys_created_on }
  updatedAt: { from: sys_updated_on }
  category: ${category}
`;
    const [plain, other] = [
      text("{ from: category, intake: [a, b] }"),
      text("{ intake: [a, b],  from: category } # c"),
    ];
    expect(mappingOf(other).version).to.equal(mappingOf(plain).version);
    expect(mappingOf(text("{ from: category, intake: [b, a] }")).version).to.not.equal(mappingOf(plain).version);
    expect(mapping.version).to.match(/^[0-9a-f]{16}$/);
  });

  it("tells changes: of what differs, with both versions, and of nothing else", () => {
    const changed = mappingWith({ category: "{ from: category }" });
    expect(mappingChanges([mapping], [mappingWith(CATEGORY)])).to.deep.equal([]);
    expect(mappingChanges([mapping], [changed])).to.deep.equal([
      `mapping test was changed (${changed.version}, before ${mapping.version})`,
    ]);
    expect(mappingChanges([], [changed])).to.deep.equal([
      `mapping test was changed (${changed.version}, before absent)`,
    ]);
  });

  it("of a set is the same whatever their order, and another with another one in it", () => {
    const named = (name: string) => ({ ...mapping, name });
    expect(mappingsVersion([named("a"), named("b")])).to.equal(mappingsVersion([named("b"), named("a")]));
    expect(mappingsVersion([named("a")])).to.not.equal(mappingsVersion([named("b")]));
  });
});
