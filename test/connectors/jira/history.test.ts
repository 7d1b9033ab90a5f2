import { expect } from "chai";
import { type HistoryItem, replacedBy } from "../../../connectors/jira/history.ts";
import type { FieldWrite } from "../../../core/ports.ts";

function item(fieldId: string, fromText: string | null, toText: string | null): HistoryItem {
  return { entryId: "1", author: { id: "u1", name: "" }, fieldId, atMs: 1, from: null, to: null, fromText, toText };
}

function write(patch: FieldWrite["patch"], seen: FieldWrite["seen"]): FieldWrite {
  return { actionId: "a1", field: "category", after: "", patch, seen };
}

describe("what a write of ours replaced, where it emptied a field", () => {
  const EMPTIED = write({ cf: null }, { cf: { id: "1", value: "Network" } });
  const GROUP = write({ cf: { group: "" } }, { cf: { name: "Network" } });

  for (const [name, emptied] of Object.entries({ option: EMPTIED, group: GROUP }))
    for (const toText of ["", null])
      it(`is known of a ${name} that the history shows as ${JSON.stringify(toText)}`, () => {
        expect(replacedBy(emptied, [item("cf", "Network", toText)], "accountId"), "what we had seen").to.equal(null);
        const replaced = replacedBy(emptied, [item("cf", "Mail", toText)], "accountId");
        expect(replaced, "another's").to.deep.include({ value: "Mail" });
        expect(replacedBy(emptied, [item("cf", "Network", "Mail")], "accountId"), "not in it yet").to.equal(undefined);
      });
});
