import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { z } from "zod";
import { diskFiles } from "../cli/system.ts";
import { loadConfig } from "../core/config/load.ts";

const Package = z.looseObject({
  engines: z.object({ node: z.string() }),
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});
const manifest = Package.parse(JSON.parse(readFileSync("package.json", "utf8")));
const text = (path: string): string => readFileSync(path, "utf8");
const major = /^(\d+)/.exec(manifest.engines.node)?.[1] ?? "";

describe("the repository", () => {
  it("runs on one major version of Node everywhere", () => {
    expect(manifest.devDependencies["node"]).to.match(new RegExp(`^${major}\\.`));
    const images = [...text("Dockerfile").matchAll(/^FROM node:(\d+)/gm)].map(([, version]) => version);
    expect(images).to.deep.equal([major, major]);
    expect(process.versions.node.split(".")[0]).to.equal(major);
  });

  it("pins every package exactly and says why it is there", () => {
    const reasons = text("docs/dependencies.md");
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, name).to.match(/^\d+\.\d+\.\d+$/);
      if (name.startsWith("@types/")) continue;
      expect(reasons, `${name} has no line in docs/dependencies.md`).to.include(`\`${name}\``);
    }
  });

  it("builds a container that runs as nobody in particular, can be checked and stops well", () => {
    const dockerfile = text("Dockerfile");
    expect(dockerfile).to.match(/^USER node$/m);
    expect(dockerfile).to.match(/^HEALTHCHECK /m);
    expect(dockerfile).to.match(/ENTRYPOINT \["tini", "--"/);
    expect(dockerfile).to.match(/npm ci --omit=dev/);
    expect(text("compose.yaml")).to.match(/read_only: true/);
    for (const [, path] of dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm))
      expect(existsSync(path ?? ""), path).to.equal(true);
  });

  it("tells a stranger the two commands first", () => {
    const first = text("README.md").split("\n").slice(0, 20).join("\n");
    expect(first).to.include("npm ci && npm run demo");
    expect(first).to.include("npm ci && npm test");
  });

  it("has only links that lead somewhere", () => {
    const documents = ["README.md", "CHANGELOG.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter(
      (path) => path.endsWith(".md"),
    );
    for (const path of documents) {
      const folder = path.includes("/") ? "docs/" : "";
      for (const [, target] of text(path).matchAll(/\]\((?!https?:)([^)#]+)/g))
        expect(existsSync(`${folder}${target}`), `${path}: ${target}`).to.equal(true);
    }
  });

  it("documents every metric, and starts with the secrets of .env", () => {
    const page = text("docs/operations.md");
    const names = [...text("routes/meter.ts").matchAll(/interlock_[a-z_]+/g)].map(([name]) => name);
    expect(names).to.include("interlock_overwrites_total").and.to.include("interlock_parked");
    for (const name of names) expect(page, name).to.include(`\`${name}\``);
    for (const script of ["start", "interlock"])
      expect(manifest.scripts[script]).to.include("--env-file-if-exists=.env");
    const asked = [...text("config/interlock.yaml").matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => name ?? "");
    for (const name of asked.filter((each) => each !== "NAME"))
      expect(text(".env.example")).to.match(new RegExp(`^${name}=$`, "m"));
  });

  it("documents every reason for which a ticket is parked", () => {
    const page = text("docs/operations.md");
    const sources = ["core/reconcile", "core/store"]
      .flatMap((folder) => readdirSync(folder).map((name) => text(`${folder}/${name}`)))
      .join("\n");
    const reasons = [...sources.matchAll(/reason: "([a-z_]+)"/g)].map(([, reason]) => reason ?? "");
    expect(reasons).to.include("drift");
    for (const reason of reasons) expect(page, reason).to.include(`\`${reason}\``);
  });
});

describe("YAML in the documentation", () => {
  const page = text("docs/configuration.md");
  const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block ?? "");
  const env = new Map([
    ["SNOW_ID", "id"],
    ["SNOW_SECRET", "secret"],
    ["SNOW_WEBHOOK_SECRET", Buffer.alloc(32, 1).toString("base64")],
    ["JIRA_TOKEN", "token"],
    ["JIRA_WEBHOOK_SECRET", "a-secret-of-jira"],
  ]);
  const secrets = { variable: (name: string) => env.get(name), file: () => undefined };

  function problemsWith(replaced: Record<string, string>): string[] {
    const files = { list: diskFiles.list, read: (path: string) => replaced[path] ?? diskFiles.read(path) };
    const loaded = loadConfig(files, { config: "config", mappings: "mappings" }, secrets);
    return "problems" in loaded ? loaded.problems.map(({ what }) => what) : [];
  }

  it("is a mapping that loads", () => {
    expect(blocks[0]).to.include("vendor: servicenow");
    expect(problemsWith({ "mappings/servicenow.incident.yaml": blocks[0] ?? "" })).to.deep.equal([]);
  });

  it("is a policy that loads", () => {
    expect(blocks[1]).to.include("rules:");
    expect(problemsWith({ "config/policy/routing.yaml": blocks[1] ?? "" })).to.deep.equal([]);
  });

  it("is checked at all: a broken block is a problem", () => {
    expect(
      problemsWith({ "config/policy/routing.yaml": (blocks[1] ?? "").replace("ticket.priority", "ticket.prioritty") }),
    ).to.have.lengthOf(1);
  });
});
