import { expect } from "chai";
import { callGate, type EndpointOf, retryAfterMs, wasNeverSent } from "../../connectors/calls.ts";
import { ConnectorError } from "../../core/errors.ts";
import { Limits } from "../../core/limits.ts";
import { faultOf, standingClock } from "./open.ts";

const NOW_MS = Date.UTC(2026, 0, 31, 10, 0, 0);

describe("The gate of a connection's calls", () => {
  const gate = (given: Record<string, number> = {}, endpointOf?: EndpointOf) => {
    const limits = { callsKeptMax: 0, ...given };
    const counted: string[] = [];
    const meter = {
      count: (name: string, labels?: Record<string, string>) => void counted.push(`${name} ${labels?.["operation"]}`),
    };
    const clock = standingClock(NOW_MS);
    return { counted, clock, calls: callGate("snow", Limits.parse(limits), { clock, meter }, endpointOf) };
  };
  const limited = (retryAfter?: number) =>
    new ConnectorError({
      kind: "rate_limited",
      connection: "snow",
      message: "slow down",
      ...(retryAfter !== undefined && { retryAfterMs: retryAfter }),
    });

  it("lets as many calls run at once as the limit says, in the order they came", async () => {
    const { calls } = gate({ callsAtOnceMax: 3 });
    const started: number[] = [];
    let running: (() => void)[] = [];
    let most = 0;
    const all = Array.from({ length: 20 }, (_, n) =>
      calls.run("read", () => {
        started.push(n);
        return new Promise<void>((resolve) => running.push(resolve));
      }),
    );
    for (let ended = 0; ended < 20; ) {
      while (running.length < Math.min(3, 20 - ended)) await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, running.length);
      const ending = running;
      running = [];
      ended += ending.length;
      for (const end of ending) end();
    }
    await Promise.all(all);
    expect(most).to.equal(3);
    expect(started).to.deep.equal(Array.from({ length: 20 }, (_, n) => n));
  });

  it("counts every call that is made, by what it is for", async () => {
    const { calls, counted } = gate();
    await calls.run("read", async () => {});
    await calls.run("write", async () => {});
    expect(counted).to.deep.equal(["interlock_vendor_calls_total read", "interlock_vendor_calls_total write"]);
  });

  it("asks before every call that writes whether it may, when its turn has come, and sends nothing where it may not", async () => {
    const meter = { count: () => {} };
    let may = true;
    const asked: string[] = [];
    const mayWrite = async (connection: string): Promise<boolean> => {
      asked.push(connection);
      return may;
    };
    const limits = Limits.parse({ callsAtOnceMax: 1, callsKeptMax: 0 });
    const calls = callGate("snow", limits, { clock: standingClock(NOW_MS), meter, mayWrite });
    const made: string[] = [];
    const first = calls.run(
      "write",
      async () => {
        made.push("first");
        // While the next one waits for its turn.
        may = false;
      },
      true,
    );
    const second = faultOf(calls.run("write", async () => void made.push("second"), true));
    await Promise.all([first, calls.run("read", async () => void made.push("read"))]);
    expect(await second).to.include({ kind: "unavailable", outcome: "not_applied", connection: "snow" });
    expect(made).to.deep.equal(["first", "read"]);
    expect(asked).to.deep.equal(["snow", "snow"]);
  });

  it("holds what was waiting already when the vendor asks for a rest, and a longer rest wins", async () => {
    const { calls, clock } = gate({ callsAtOnceMax: 1 });
    let made = 0;
    const faults = await Promise.all([
      faultOf(calls.run("read", () => Promise.reject(limited(5_000)))),
      faultOf(
        calls.run("read", async () => {
          made += 1;
        }),
      ),
    ]);
    expect(faults.map(({ retryAfterMs: ms }) => ms)).to.deep.equal([5_000, 5_000]);
    expect(made).to.equal(0);
    clock.pass(5_000);
    await calls.run("read", async () => {});
  });

  it("does not shorten a rest by a later, shorter word", async () => {
    const { calls } = gate({ callsAtOnceMax: 2 });
    await Promise.all([
      faultOf(calls.run("read", () => Promise.reject(limited(60_000)))),
      faultOf(calls.run("read", () => Promise.reject(limited(1_000)))),
    ]);
    expect(await faultOf(calls.run("read", async () => {}))).to.include({ retryAfterMs: 60_000 });
  });

  it("is held by whatever fault carries the server's own word, and by no other", async () => {
    const { calls } = gate();
    const fault = { kind: "unavailable", connection: "snow", message: "down" } as const;
    await faultOf(calls.run("read", () => Promise.reject(new ConnectorError(fault))));
    expect(await calls.run("read", async () => "done")).to.equal("done");
    await faultOf(calls.run("read", () => Promise.reject(new ConnectorError({ ...fault, retryAfterMs: 9_000 }))));
    expect((await faultOf(calls.run("read", async () => "done"))).kind).to.equal("rate_limited");
  });

  it("holds the endpoint that was refused, all of it, and no other", async () => {
    const { calls } = gate({}, (operation) => (operation === "read" || operation === "check" ? "issue" : operation));
    await faultOf(calls.run("read", () => Promise.reject(limited(5_000))));
    expect((await faultOf(calls.run("check", async () => {}))).retryAfterMs).to.equal(5_000);
    expect(await calls.run("write", async () => "done")).to.equal("done");
  });

  it("holds everything where the quota is one for all, and nothing where it is a record's", async () => {
    const scoped = (limitScope: "record" | "connection") =>
      new ConnectorError({ kind: "rate_limited", connection: "snow", message: "", retryAfterMs: 5_000, limitScope });
    const { calls } = gate({}, (operation) => operation);
    await faultOf(calls.run("write", () => Promise.reject(scoped("record"))));
    expect(await calls.run("write", async () => "done")).to.equal("done");
    await faultOf(calls.run("write", () => Promise.reject(scoped("connection"))));
    expect((await faultOf(calls.run("read", async () => {}))).kind).to.equal("rate_limited");
  });

  it("keeps places for writes however many reads there are", async () => {
    const { calls } = gate({ callsAtOnceMax: 3, callsKeptMax: 1 });
    const ends: (() => void)[] = [];
    let reading = 0;
    const reads = Array.from({ length: 5 }, () =>
      calls.run("read", () => {
        reading += 1;
        return new Promise<void>((resolve) => ends.push(resolve));
      }),
    );
    while (reading < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(await calls.run("write", async () => "done")).to.equal("done");
    expect(reading).to.equal(2);
    while (ends.length > 0 || reading < 5) {
      ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(reads);
  });

  it("refuses calls once it is closed", async () => {
    const { calls } = gate();
    await calls.close();
    let made = false;
    let refused: unknown;
    await calls
      .run("read", async () => {
        made = true;
      })
      .catch((error: unknown) => {
        refused = error;
      });
    expect(refused).to.be.instanceOf(Error);
    expect(made).to.equal(false);
  });
});

describe("Retry-After", () => {
  const cases: [unknown, number | undefined][] = [
    ["120", 120_000],
    ["0", 1_000],
    ["-5", 1_000],
    ["1.5", 1_500],
    [new Date(NOW_MS + 30_000).toUTCString(), 30_000],
    [new Date(NOW_MS - 30_000).toUTCString(), 1_000],
    ["7200", 3_600_000],
    [new Date(NOW_MS + 365 * 86_400_000).toUTCString(), 3_600_000],
    ["", undefined],
    ["soon", undefined],
    [undefined, undefined],
    [["1", "2"], undefined],
  ];
  for (const [header, ms] of cases) {
    it(`${JSON.stringify(header) ?? "absent"} is ${ms === undefined ? "no word at all" : `${ms} ms`}`, () => {
      expect(retryAfterMs(header, NOW_MS)).to.equal(ms);
    });
  }

  it("may be shorter than a second for who asks for that", () => {
    expect(retryAfterMs("0", NOW_MS, 0)).to.equal(0);
    expect(retryAfterMs("-5", NOW_MS, 0)).to.equal(0);
    expect(retryAfterMs("0.25", NOW_MS, 0)).to.equal(250);
  });

  it("only a failure before the request left proves that nothing was done", () => {
    for (const code of ["ECONNREFUSED", "ENOTFOUND", "UND_ERR_CONNECT_TIMEOUT"])
      expect(wasNeverSent(code)).to.equal(true);
    for (const code of ["EHOSTUNREACH", "ENETUNREACH", "ECONNRESET", "ETIMEDOUT", "EPIPE", undefined])
      expect(wasNeverSent(code)).to.equal(false);
  });

  it("an unreachable host or network proves it only in the connect step, of every address that was tried", () => {
    const broke = (syscall: string) => Object.assign(new Error("broke"), { syscall });
    const causes: [unknown, boolean][] = [
      [broke("connect"), true],
      [new TypeError("fetch failed", { cause: broke("connect") }), true],
      [new AggregateError([broke("connect"), broke("connect")]), true],
      [new AggregateError([broke("connect"), broke("write")]), false],
      [new TypeError("fetch failed", { cause: broke("read") }), false],
      [broke("write"), false],
      [new Error("no word on where"), false],
      ["connect", false],
    ];
    for (const [cause, proves] of causes)
      for (const code of ["EHOSTUNREACH", "ENETUNREACH"])
        expect(wasNeverSent(code, cause), String(cause)).to.equal(proves);
    expect(wasNeverSent("ECONNRESET", broke("connect"))).to.equal(false);
  });
});
