import { expect } from "chai";
import { ANSWER, openProviderRig, PROVIDERS, type ProviderRig } from "../../contract/provider-rig.ts";

/** All that the SDKs would read for themselves. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  ANTHROPIC_API_KEY: "of-the-environment",
  ANTHROPIC_AUTH_TOKEN: "of-the-environment",
  ANTHROPIC_BASE_URL: "http://127.0.0.1:1",
  ANTHROPIC_LOG: "debug",
  OPENAI_API_KEY: "of-the-environment",
  OPENAI_BASE_URL: "http://127.0.0.1:1",
  GOOGLE_GENERATIVE_AI_API_KEY: "of-the-environment",
  AWS_BEARER_TOKEN_BEDROCK: "of-the-environment",
  AWS_ACCESS_KEY_ID: "of-the-environment",
  AWS_SECRET_ACCESS_KEY: "of-the-environment",
  AWS_SESSION_TOKEN: "of-the-environment",
  AWS_REGION: "us-east-1",
  AWS_ENDPOINT_URL: "http://127.0.0.1:1",
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: "http://127.0.0.1:1",
  HTTP_PROXY: "http://127.0.0.1:1",
  HTTPS_PROXY: "http://127.0.0.1:1",
};

describe("AI providers and the environment", () => {
  const before = { ...process.env };
  let rig: ProviderRig;
  beforeEach(() => {
    Object.assign(process.env, ENVIRONMENT);
  });
  afterEach(async () => {
    await rig.close();
    for (const name of Object.keys(ENVIRONMENT)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  for (const provider of PROVIDERS) {
    it(`${provider.name} goes where its settings say, with the key that stands there`, async () => {
      rig = await openProviderRig(provider);
      rig.sim.answer(ANSWER);
      expect((await rig.ask()).text).to.equal(ANSWER);
      expect(JSON.stringify(rig.sim.requests)).not.to.include("of-the-environment");
    });
  }
});
