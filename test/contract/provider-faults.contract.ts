import { expect } from "chai";
import { openProvider } from "../../connectors/ai/open.ts";
import type { ProviderFaultKind } from "../../core/advice/provider.ts";
import { ProviderSettings } from "../../core/config/ai-settings.ts";
import { closedPort } from "../connectors/open.ts";
import { AI_KEY } from "../sim/ai.ts";
import type { FaultSpec } from "../sim/faults.ts";
import { ANSWER, faultOf, headArrived, NOW_MS, type ProviderCase, type ProviderRig, QUESTION } from "./provider-rig.ts";

type Rig = () => ProviderRig;

interface StatusCase {
  status: number;
  headers?: Record<string, string>;
  kind: ProviderFaultKind;
  mayBeCharged: boolean;
  retryAfterMs?: number;
}

const inSeven = { "retry-after": new Date(NOW_MS + 7_000).toUTCString() };
const past = { "retry-after": new Date(NOW_MS - 7_000).toUTCString() };

const STATUSES: readonly StatusCase[] = [
  { status: 400, kind: "rejected", mayBeCharged: false },
  { status: 401, kind: "auth", mayBeCharged: false },
  { status: 402, kind: "auth", mayBeCharged: false },
  { status: 403, kind: "auth", mayBeCharged: false },
  { status: 404, kind: "rejected", mayBeCharged: false },
  { status: 408, kind: "unavailable", mayBeCharged: true },
  { status: 413, kind: "rejected", mayBeCharged: false },
  { status: 422, kind: "rejected", mayBeCharged: false },
  { status: 424, kind: "unavailable", mayBeCharged: true },
  { status: 429, headers: { "retry-after": "7" }, kind: "rate_limited", mayBeCharged: false, retryAfterMs: 7_000 },
  { status: 429, headers: inSeven, kind: "rate_limited", mayBeCharged: false, retryAfterMs: 7_000 },
  { status: 429, headers: past, kind: "rate_limited", mayBeCharged: false, retryAfterMs: 0 },
  { status: 429, headers: { "retry-after": "0" }, kind: "rate_limited", mayBeCharged: false, retryAfterMs: 0 },
  { status: 429, headers: { "retry-after-ms": "250" }, kind: "rate_limited", mayBeCharged: false, retryAfterMs: 250 },
  { status: 500, kind: "unavailable", mayBeCharged: true },
  { status: 502, kind: "unavailable", mayBeCharged: true },
  { status: 503, kind: "unavailable", mayBeCharged: true },
  { status: 503, headers: { "retry-after": "3" }, kind: "unavailable", mayBeCharged: false, retryAfterMs: 3_000 },
  { status: 504, kind: "unavailable", mayBeCharged: true },
  { status: 529, kind: "unavailable", mayBeCharged: false },
  { status: 529, headers: { "retry-after": "2" }, kind: "unavailable", mayBeCharged: false, retryAfterMs: 2_000 },
  { status: 302, headers: { location: "http://127.0.0.1:1/" }, kind: "protocol", mayBeCharged: false },
  { status: 204, kind: "protocol", mayBeCharged: true },
];

export function statusCases(rig: Rig): void {
  for (const { status, headers, kind, mayBeCharged, retryAfterMs } of STATUSES) {
    const with_ = Object.entries(headers ?? {}).map(([name, value]) => ` with ${name} ${value}`);
    it(`${status}${with_.join("")} is ${kind}`, async () => {
      rig().sim.faults.add({ path: /./, kind: "status", status, ...(headers && { headers }) });
      const fault = await rig().fault();
      expect(fault).to.include({ kind, status, mayBeCharged });
      expect(fault.message).to.include(`main answered with ${status}`);
      if (retryAfterMs !== undefined) expect(fault.retryAfterMs).to.equal(retryAfterMs);
      // Trying again is the gateway's, which keeps the books.
      expect(rig().sim.requests).to.have.length(1);
    });
  }

  it("of a refusal is known whatever its body is", async () => {
    rig().sim.faults.add({ path: /./, kind: "html", status: 429 });
    expect(await rig().fault()).to.include({ kind: "rate_limited", retryAfterMs: undefined });
  });
}

const JSON_TYPE = { "content-type": "application/json" };
const page = (body: string): Omit<FaultSpec, "path"> => ({ kind: "status", status: 200, headers: JSON_TYPE, body });

const BROKEN: readonly { name: string; spec: Omit<FaultSpec, "path">; kind: ProviderFaultKind }[] = [
  { name: "HTML with 200 (a login page)", spec: { kind: "html" }, kind: "protocol" },
  { name: "nothing with 200", spec: page(""), kind: "protocol" },
  { name: "JSON that breaks off", spec: page('{"id":"msg_1","content":[{"type":"te'), kind: "protocol" },
  { name: "a list", spec: page("[]"), kind: "protocol" },
  { name: "an empty object", spec: page("{}"), kind: "protocol" },
  { name: "an object of another API", spec: page('{"result":[{"sys_id":"1"}]}'), kind: "protocol" },
  {
    name: "JSON 10,000 levels deep",
    spec: page(`{"content":${"[".repeat(10_000)}${"]".repeat(10_000)}}`),
    kind: "protocol",
  },
  { name: "a failure with 200", spec: page('{"error":{"type":"server_error","message":"x"}}'), kind: "unavailable" },
  { name: "a connection that is reset", spec: { kind: "reset" }, kind: "unavailable" },
  { name: "a connection that breaks off within the answer", spec: { kind: "sever" }, kind: "unavailable" },
];

export function brokenCases(rig: Rig): void {
  for (const { name, spec, kind } of BROKEN) {
    it(`${name} is ${kind}, and may be charged`, async () => {
      rig().sim.answer(ANSWER);
      rig().sim.faults.add({ path: /./, ...spec });
      expect(await rig().fault()).to.include({ kind, mayBeCharged: true });
      expect(rig().sim.requests).to.have.length(1);
      // And the next question is as good as any.
      expect((await rig().ask()).text).to.equal(ANSWER);
    });
  }
}

export function sizeCases(rig: Rig): void {
  it("of nearly a megabyte is one", async () => {
    rig().sim.answer("x".repeat(1_000_000));
    expect((await rig().ask()).text).to.have.length(1_000_000);
  });

  it("of more than a megabyte is none", async () => {
    rig().sim.answer("x".repeat(1_100_000));
    const fault = await rig().fault();
    expect(fault).to.include({ kind: "protocol", mayBeCharged: true });
    expect(fault.message).to.include("more than an answer can hold");
  });
}

export function lateCases(rig: Rig): void {
  for (const kind of ["hang", "stall", "drip"] as const) {
    it(`an answer is waited for until its time is up, and not longer: ${kind}`, async () => {
      rig().sim.answer(ANSWER);
      rig().sim.faults.add({ path: /./, kind });
      const begun = kind === "hang" ? rig().sim.arrived(1) : headArrived();
      const fault = rig().fault();
      await begun;
      expect(rig().clock.slept).to.deep.equal([20_000]);
      rig().clock.ring();
      expect(await fault).to.include({ kind: "timeout", mayBeCharged: true });
    });

    it(`the caller may end it: ${kind}`, async () => {
      rig().sim.answer(ANSWER);
      rig().sim.faults.add({ path: /./, kind });
      const begun = kind === "hang" ? rig().sim.arrived(1) : headArrived();
      const caller = new AbortController();
      const fault = rig().fault(caller.signal);
      await begun;
      caller.abort();
      expect(await fault).to.include({ kind: "timeout", mayBeCharged: true });
    });
  }

  it("a question that was given up before it was sent costs nothing", async () => {
    expect(await rig().fault(AbortSignal.abort())).to.include({ kind: "timeout", mayBeCharged: false });
    expect(rig().sim.requests).to.have.length(0);
  });

  it("closing cuts off what is under way", async () => {
    rig().sim.faults.add({ path: /./, kind: "hang" });
    const fault = rig().fault();
    await rig().sim.arrived(1);
    await rig().provider.close();
    expect(await fault).to.include({ kind: "unavailable", mayBeCharged: true });
  });
}

export function guardCases({ settings }: ProviderCase, rig: Rig): void {
  it("a server that does not listen is unavailable, and costs nothing", async () => {
    const parsed = ProviderSettings.parse({ ...settings(await closedPort()), allowPrivateAddress: true });
    const provider = await openProvider("main", parsed, { clock: rig().clock });
    const call = provider.ask({ ...QUESTION, signal: new AbortController().signal });
    expect(await faultOf(call)).to.include({ kind: "unavailable", mayBeCharged: false });
    await provider.close();
  });

  for (const host of ["127.0.0.1", "localhost"]) {
    it(`${host} is refused before anything is sent, unless the provider may be inside`, async () => {
      const inside = ProviderSettings.parse({ ...settings(rig().sim.url), allowPrivateAddress: true });
      const baseUrl = inside.baseUrl?.replace("127.0.0.1", host) ?? "";
      const provider = await openProvider(
        "main",
        { ...inside, baseUrl, allowPrivateAddress: false },
        { clock: rig().clock },
      );
      const fault = await faultOf(provider.ask({ ...QUESTION, signal: new AbortController().signal }));
      expect(fault).to.include({ kind: "unavailable", mayBeCharged: false });
      expect(fault.message).to.include("private network");
      expect(rig().sim.requests).to.have.length(0);
      await provider.close();
    });
  }

  it("a wrong key is told as one", async () => {
    const text = JSON.stringify({ ...settings(rig().sim.url), allowPrivateAddress: true });
    const wrong = ProviderSettings.parse(JSON.parse(text.replaceAll(AI_KEY, "wrong")));
    const provider = await openProvider("main", wrong, { clock: rig().clock });
    const fault = await faultOf(provider.ask({ ...QUESTION, signal: new AbortController().signal }));
    expect(fault).to.include({ kind: "auth", status: 401, mayBeCharged: false });
    await provider.close();
  });
}
