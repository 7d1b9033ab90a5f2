import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "./command.ts";

const PACKAGE = fileURLToPath(new URL("../../package.json", import.meta.url));

describe("interlock", function (this: Mocha.Suite) {
  // Processes of their own on a busy machine.
  this.timeout(60_000);
  it("--help names every command and what the exit codes mean, and --version is the package's", async () => {
    const [help, version, sub] = await Promise.all([
      run(["--help"]),
      run(["--version"]),
      run(["ledger", "verify", "--help"]),
    ]);
    expect([help.code, version.code, sub.code]).to.deep.equal([0, 0, 0]);
    for (const name of ["serve", "check", "explain", "parked", "ledger", "demo"])
      expect(help.stdout).to.contain(`  ${name} `);
    expect(help.stdout).to.contain("Exit codes: 0 done, 1 found a problem, 2 wrong usage.");
    const own = JSON.parse(readFileSync(PACKAGE, "utf8")) as { version: string }; // our own file
    expect(version.stdout).to.equal(`${own.version}\n`);
    for (const name of ["INTERLOCK_CONFIG", "INTERLOCK_MAPPINGS", "--json"]) expect(sub.stdout).to.contain(name);
  });

  it("loads the vendors' libraries and the web server for the commands that call or listen only", async () => {
    const watch = `import { registerHooks } from "node:module";
      registerHooks({ resolve(name, context, next) {
        if (/^(jira\\.js|axios|express|undici|winston)$/.test(name)) console.error("loads " + name);
        return next(name, context);
      } });`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(watch)}` };
    const light = [["--help"], ["check"], ["explain", "snow/INC1"], ["parked"], ["ledger", "verify"]];
    const ended = await Promise.all([...light, ["serve"]].map((args) => run(args, { env })));
    const loaded = ended.map(({ stderr }) => stderr.match(/^loads .*$/gm) ?? []);
    expect(loaded.slice(0, -1)).to.deep.equal(light.map(() => []));
    expect(loaded.at(-1), "the watch sees what is loaded").to.include("loads jira.js");
  });

  it("exits with 2 and shows the usage, on stderr only, for what it does not understand", async () => {
    const wrong: [string[], string][] = [
      [["surve"], "(Did you mean serve?)"],
      [["check", "--jsno"], "(Did you mean --json?)"],
      [["explain"], "missing required argument 'ticket'"],
      [["check", "everything"], "too many arguments"],
      [["ledger"], "Usage: interlock ledger"],
    ];
    await Promise.all(
      wrong.map(async ([args, said]) => {
        const { code, stdout, stderr } = await run(args);
        expect([code, stdout], args.join(" ")).to.deep.equal([2, ""]);
        expect(stderr).to.contain(said).and.to.contain("Usage:");
      }),
    );
  });
});
