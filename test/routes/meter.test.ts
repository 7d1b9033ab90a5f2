import { expect } from "chai";
import { bearerMatches } from "../../routes/bearer.ts";
import { createMetrics } from "../../routes/meter.ts";

describe("The counters", () => {
  it("add up over the labels that are not asked for", async () => {
    const metrics = createMetrics(() => undefined);
    metrics.count("interlock_vendor_calls_total", { connection: "snow", operation: "read" });
    metrics.count("interlock_vendor_calls_total", { connection: "snow", operation: "write" }, 2);
    metrics.count("interlock_vendor_calls_total", { connection: "jira", operation: "read" }, 4);
    const total = (labels?: Record<string, string>) => metrics.total("interlock_vendor_calls_total", labels);
    expect(await total()).to.equal(7);
    expect(await total({ connection: "snow" })).to.equal(3);
    expect(await total({ operation: "read" })).to.equal(5);
    expect(await total({ connection: "hr" })).to.equal(0);
  });

  it("take every name and label that the core counts: any other does not compile", async () => {
    const metrics = createMetrics(() => undefined);
    metrics.count("interlock_overwrites_total", { connection: "snow", known: "true" });
    expect(await metrics.total("interlock_overwrites_total", { known: "true" })).to.equal(1);
    // @ts-expect-error a name that is not declared
    expect(() => metrics.count("interlock_typo_total", {})).to.throw("no counter interlock_typo_total");
    // @ts-expect-error a label that is not declared, for one that is
    expect(() => metrics.count("interlock_writes_total", { color: "red" })).to.throw("color");
  });

  it("can be kept twice in one process, and shown before there is a store", async () => {
    createMetrics(() => undefined);
    expect(await createMetrics(() => undefined).render()).to.contain("interlock_parked 0");
  });
});

describe("A bearer token", () => {
  it("is taken as it is and no other way", () => {
    expect(bearerMatches("Bearer abc", "abc")).to.equal(true);
    for (const header of [undefined, "", "abc", "Bearer", "Bearer ab", "Bearer abcd", "bearer abc", "Bearer  abc"])
      expect(bearerMatches(header, "abc"), String(header)).to.equal(false);
  });
});
