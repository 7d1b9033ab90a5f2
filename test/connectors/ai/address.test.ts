import { expect } from "chai";
import type { Resolve } from "../../../connectors/address.ts";
import { transportFault } from "../../../connectors/ai/faults.ts";
import { openProvider } from "../../../connectors/ai/open.ts";
import { ProviderSettings } from "../../../core/config/ai-settings.ts";
import { ANSWER, faultOf, heldClock, QUESTION } from "../../contract/provider-rig.ts";
import { type AiSim, startAiSim } from "../../sim/ai.ts";

describe("the way to a provider", () => {
  let sim: AiSim;
  beforeEach(async () => {
    sim = await startAiSim("compatible");
    sim.answer(ANSWER);
  });
  afterEach(() => sim.close());

  /** Asks a server of a public name, which is looked up as the test says. */
  async function askUnder(resolve: Resolve, allowPrivateAddress: boolean): Promise<unknown> {
    const { port } = new URL(sim.url);
    const settings = ProviderSettings.parse({
      type: "openai-compatible",
      apiKey: sim.key,
      model: "qwen3:8b",
      baseUrl: `http://llm.acme.example:${port}/v1`,
      allowPrivateAddress: true,
    });
    const provider = await openProvider("main", { ...settings, allowPrivateAddress }, { clock: heldClock(), resolve });
    try {
      return await provider.ask({ ...QUESTION, signal: new AbortController().signal });
    } finally {
      await provider.close();
    }
  }

  const inside: Resolve = (_name, _options, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]);
  const both: Resolve = (_name, _options, callback) =>
    callback(null, [
      { address: "192.0.2.1", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ]);

  for (const [name, resolve] of Object.entries({ inside, both })) {
    it(`is closed where a public name leads inside, before anything is sent: ${name}`, async () => {
      const fault = await faultOf(askUnder(resolve, false));
      expect(fault).to.include({ kind: "unavailable", mayBeCharged: false });
      expect(fault.message).to.include("allowPrivateAddress: true where that is meant");
      expect(sim.requests).to.have.length(0);
    });
  }

  it("ends where a redirect begins", async () => {
    sim.faults.add({ path: /./, kind: "status", status: 307, headers: { location: `${sim.url}/v1/chat/completions` } });
    const settings = ProviderSettings.parse({
      type: "openai-compatible",
      apiKey: sim.key,
      model: "qwen3:8b",
      baseUrl: `${sim.url}/v1`,
      allowPrivateAddress: true,
    });
    const provider = await openProvider("main", settings, { clock: heldClock() });
    const fault = await faultOf(provider.ask({ ...QUESTION, signal: new AbortController().signal }));
    expect(fault).to.include({ kind: "protocol", status: 307, mayBeCharged: false });
    expect(sim.requests).to.have.length(1);
    await provider.close();
  });

  const connect = { syscall: "connect" };
  const codes: readonly (readonly [string, object, boolean])[] = [
    ["ECONNREFUSED", connect, false],
    ["ENOTFOUND", {}, false],
    ["EAI_AGAIN", {}, false],
    ["UND_ERR_CONNECT_TIMEOUT", {}, false],
    ["EHOSTUNREACH", connect, false],
    ["EHOSTUNREACH", { syscall: "read" }, true],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", {}, false],
    ["CERT_HAS_EXPIRED", {}, false],
    ["ERR_TLS_CERT_ALTNAME_INVALID", {}, false],
    ["ECONNRESET", {}, true],
    ["UND_ERR_SOCKET", {}, true],
  ];
  for (const [code, more, mayBeCharged] of codes) {
    it(`that breaks with ${code} ${JSON.stringify(more)} ${mayBeCharged ? "may have been" : "was not"} charged`, () => {
      const fault = transportFault("main", Object.assign(new Error("broken"), { code, ...more }));
      expect(fault).to.include({ kind: "unavailable", mayBeCharged });
      expect(fault.message).to.equal(`main could not be reached (${code})`);
    });
  }

  it("that breaks without a reason may have been charged", () => {
    expect(transportFault("main", new Error("broken"))).to.include({ kind: "unavailable", mayBeCharged: true });
  });
});
