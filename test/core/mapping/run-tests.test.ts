import { expect } from "chai";
import { runMappingTests, type TestRun } from "../../../core/mapping/run-tests.ts";
import { renderProblem } from "../../../core/problem.ts";
import { configOf, edited, filesOf, SNOW, SOUND } from "../support/config-files.ts";

const TESTS = `- name: maps
  record: { short_description: t, state: "1", priority: "2", sys_created_on: "2026-03-02 08:15:00", sys_updated_on: "2026-03-02 08:15:00" }
  expect: { title: t, priority: 2, requester: { name: "" } }
- name: drifts
  record: { state: "9" }
  drift: [status]
- name: writes
  write: { assignmentGroup: Network, priority: 2 }
  expect: { assignment_group: { group: Network }, priority: "2" }
`;
const FILE = "mappings/snow.test.yaml";

/** Runs the tests of one mapping. */
function run(tests: string | undefined, mapping = SOUND): TestRun {
  const { mappings } = configOf(mapping);
  const snow = new Map([...mappings].filter(([name]) => name === "snow"));
  return runMappingTests(filesOf(tests === undefined ? {} : { [FILE]: tests }), "mappings", snow);
}

function faults(tests: string | undefined): string[] {
  return run(tests).problems.map(renderProblem);
}

describe("the tests of a mapping", () => {
  it("pass where they hold, and are counted", () => {
    expect(run(TESTS)).to.deep.equal({ passed: 3, problems: [], failed: [] });
  });

  it("missing is a problem", () => {
    expect(faults(undefined)).to.have.length(1);
    expect(faults(undefined)[0]).to.match(/^mappings\/snow\.test\.yaml: mapping snow has no tests\. Write one/);
  });

  const wrong: readonly (readonly [string, string, string, RegExp])[] = [
    ["another value", "title: t", "title: u", /:1:9 0\.name: test "maps": title is "t", not "u"/],
    ["a field that is not there", "title: t", "titel: t", /titel is undefined, not "t"/],
    ["a nested value", 'name: ""', 'name: "x"', /requester is/],
    ["a path through the prototype", "title: t", "constructor.name: Object", /constructor\.name is undefined/],
    [
      "a value that is known after all",
      'state: "9"',
      'state: "1", short_description: t, priority: "2", sys_created_on: "2026-03-02 08:15:00", sys_updated_on: "2026-03-02 08:15:00"',
      /test "drifts": status was expected to be unknown, and is not/,
    ],
    ["a value that is unknown", 'state: "1"', 'state: "8"', /test "maps": status is unknown: 8/],
    [
      "a write that goes elsewhere",
      "group: Network }",
      "group: Other }",
      /test "writes": it writes .*Network.*, not .*Other/,
    ],
    ["a write of something else too", 'Network }, priority: "2" }', "Network } }", /test "writes": it writes/],
    [
      "a field that cannot be written",
      "priority: 2 }\n  expect: { ass",
      "urgency: 2 }\n  expect: { ass",
      /urgency cannot be written as 2/,
    ],
    [
      "a field that nobody may write",
      "priority: 2 }\n  expect: { ass",
      "title: x }\n  expect: { ass",
      /title cannot be written/,
    ],
    ["a test of no kind", "drift: [status]", "drift: []", /1\.drift/],
  ];
  for (const [name, from, to, message] of wrong) {
    it(`fail for ${name}, with the place of the test`, () => {
      const text = edited({ [FILE]: TESTS }, FILE, from, to)[FILE];
      const found = faults(text);
      expect(found).to.have.length(1);
      expect(found[0]).to.match(message);
      expect(found[0]).to.match(/^mappings\/snow\.test\.yaml:\d+:\d+/);
    });
  }

  it("notice when the mapping changes under them", () => {
    const changed = edited(SOUND, SNOW, '"2": in_progress', '"2": on_hold');
    const tests = TESTS.replace('state: "1"', 'state: "2"').replace("title: t,", "status: in_progress,");
    expect(run(tests).problems).to.deep.equal([]);
    expect(run(tests, changed).problems).to.have.length(1);
  });

  it("that are no YAML are a problem", () => {
    expect(faults("- name: [")).not.to.deep.equal([]);
  });
});
