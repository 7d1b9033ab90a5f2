import { expect } from "chai";
import fc from "fast-check";
import { listings } from "../../../connectors/servicenow/listing.ts";
import { topologyOf } from "../../../connectors/servicenow/topology.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { standingClock } from "../open.ts";
import { type BareClient, bareClient } from "./bare-client.ts";

const ABEL = { by: "abel.tuter" };
const NODES = 24;
const TYPES = ["Depends on::Used by", "Impacts::Impacted by"] as const;

/** The parent's place, the child's, and whether the child is the one that depends. */
type Edge = readonly [parent: number, child: number, childDepends: boolean];

/** What depends on an item, worked out the plain way. The last items are gone. */
function plainly(edges: readonly Edge[], gone: number, { depthMax, itemsMax }: { depthMax: number; itemsMax: number }) {
  const there = (node: number): boolean => node < NODES - gone;
  const pairs = edges.map(([parent, child, turned]) => (turned ? [child, parent] : [parent, child]));
  const depths = new Map([[0, 0]]);
  const missing = new Set<number>();
  let cut = false;
  for (let depth = 1; depth <= depthMax + 1; depth += 1)
    for (const [dependent = 0, on = 0] of pairs) {
      if (depths.get(on) !== depth - 1 || !there(on) || depths.has(dependent)) continue;
      if (depth > depthMax) cut = true;
      else if (there(dependent)) depths.set(dependent, depth);
      else missing.add(dependent);
    }
  depths.delete(0);
  return { depths, missing, cut: cut || depths.size > itemsMax };
}

describe("the topology of a ServiceNow item", () => {
  let sim: ServiceNowSim;
  let bare: BareClient;
  const ids: string[] = [];

  before(async () => {
    const clock = standingClock();
    sim = await startServiceNowSim({ now: () => clock.now() });
    bare = bareClient(sim, clock);
    for (let n = 0; n < NODES; n += 1) ids.push(sim.insert("cmdb_ci_server", { name: `node ${n}` }, ABEL).sys_id);
  });
  after(async () => {
    await bare.client.close();
    await sim.close();
  });

  const node = fc.integer({ min: 0, max: NODES - 1 });
  const graph = fc.array(fc.tuple(node, node, fc.boolean()), { maxLength: 60 });
  const limits = fc.record({ depthMax: fc.integer({ min: 1, max: 4 }), itemsMax: fc.constantFrom(3, NODES) });

  it("is what following every relation by hand comes to, however they lead", async () => {
    const gone = 3;
    const types = TYPES.map((name) => sim.rows("cmdb_rel_type").find((row) => row["name"] === name)?.sys_id ?? "");
    for (const id of ids.slice(NODES - gone)) sim.remove("cmdb_ci", id);
    await fc.assert(
      fc.asyncProperty(graph, limits, async (edges, bounds) => {
        for (const row of sim.rows("cmdb_rel_ci")) sim.remove("cmdb_rel_ci", row.sys_id);
        for (const [parent, child, turned] of edges) {
          const ends = { parent: ids[parent] ?? "", child: ids[child] ?? "" };
          sim.insert("cmdb_rel_ci", { ...ends, type: types[Number(turned)] ?? "" }, ABEL);
        }
        const found = await topologyOf(listings("snow", bare.client), ids[0] ?? "", bounds);
        const wanted = plainly(edges, gone, bounds);
        expect(found.cut).to.equal(wanted.cut);
        expect(found.items.length).to.be.at.most(bounds.itemsMax);
        for (const { id, depth } of found.items) expect(depth).to.equal(wanted.depths.get(ids.indexOf(id)));
        if (wanted.depths.size > bounds.itemsMax) expect(found.items).to.have.length(bounds.itemsMax);
        else {
          expect(found.items).to.have.length(wanted.depths.size);
          expect(found.missing.map((id) => ids.indexOf(id))).to.have.members([...wanted.missing]);
        }
      }),
      { numRuns: 150 },
    );
  }).timeout(60_000);

  it("is followed both ways from many items at once, too", async () => {
    const insert = (name: string): string => sim.insert("cmdb_ci_server", { name }, ABEL).sys_id;
    const relate = (parent: string, child: string, name: string): void => {
      const type = sim.rows("cmdb_rel_type").find((row) => row["name"] === name)?.sys_id ?? "";
      sim.insert("cmdb_rel_ci", { parent, child, type }, ABEL);
    };
    const root = insert("root");
    for (let n = 0; n < 50; n += 1) {
      const [app, user, host] = [insert(`app ${n}`), insert(`user ${n}`), insert(`host ${n}`)];
      relate(app, root, "Depends on::Used by");
      relate(app, user, "Impacts::Impacted by");
      relate(app, host, "Runs on::Runs");
    }
    sim.requests.length = 0;
    const { items, cut } = await topologyOf(listings("snow", bare.client), root, { depthMax: 3, itemsMax: 500 });
    const at = (depth: number): number => items.filter((item) => item.depth === depth).length;
    expect([at(1), at(2), at(3), cut]).to.deep.equal([50, 50, 0, false]);
    expect(sim.requests).to.have.length(3);
  });
});
