import { execFileSync } from "node:child_process";
import { expect } from "chai";

/** Runs a program in a process of its own and gives the packages of models that it loaded. */
function loadedBy(program: string): string[] {
  const watching = `
    import { registerHooks } from "node:module";
    const loaded = new Set();
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context);
        const name = /node_modules\\/(@anthropic-ai\\/sdk|@ai-sdk\\/[a-z-]+|ai)\\//.exec(found.url)?.[1];
        if (name) loaded.add(name);
        return found;
      },
    });
    ${program}
    console.log(JSON.stringify([...loaded].sort()));
  `;
  const args = ["--input-type=module", "--disable-warning=ExperimentalWarning", "-e", watching];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as string[]; // printed two lines above
}

function opening(settings: Record<string, unknown>): string {
  return `
    const { openProvider } = await import("./connectors/ai/open.ts");
    const { ProviderSettings } = await import("./core/config/ai-settings.ts");
    const clock = { now: () => 0, sleep: async () => {} };
    const provider = await openProvider("main", ProviderSettings.parse(${JSON.stringify(settings)}), { clock });
    await provider.close();
  `;
}

describe("the SDKs of models", () => {
  it("are not loaded by the program itself", () => {
    expect(loadedBy('await import("./cli/server.ts"); await import("./connectors/ai/open.ts");')).to.deep.equal([]);
  });

  it("are loaded when a provider is opened, and only what it needs", () => {
    expect(loadedBy(opening({ type: "anthropic", apiKey: "k" }))).to.deep.equal(["@anthropic-ai/sdk"]);
    const google = loadedBy(opening({ type: "google", apiKey: "k", model: "gemini-2.5-flash" }));
    expect(google).to.include("@ai-sdk/google").and.not.to.include("@anthropic-ai/sdk");
    expect(google).not.to.include("@ai-sdk/openai");
  });
});
