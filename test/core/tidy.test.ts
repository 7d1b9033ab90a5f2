import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, tidy } from "./support/tidy.ts";

function sourcesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${folder}/${file}`)
    .sort();
}

function untidy(text: string, core = true): string[] {
  return tidy("x.ts", text, { core });
}

describe("the sources are tidy", () => {
  for (const folder of ["core", "routes", "connectors", "cli"]) {
    it(`in ${folder}/`, () => {
      const files = sourcesOf(folder);
      expect(files, "there is something to look at").not.to.have.length(0);
      const found = files.flatMap((file) => tidy(file, readFileSync(file, "utf8"), { core: folder === "core" }));
      expect(found.join("\n")).to.equal("");
    });
  }
});

describe("what is untidy", () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      "a function that is too long",
      `function a() {${"\n".repeat(FUNCTION_LINES_MAX)}}`,
      /^x\.ts:1: a function of 71 lines/,
    ],
    ["an arrow that is too long", `const a = () => {${"\n".repeat(FUNCTION_LINES_MAX)}};`, /a function of 71 lines/],
    ["a method that is too long", `class A { b() {${"\n".repeat(FUNCTION_LINES_MAX)}} }`, /a function of 71 lines/],
    ["a file that is too long", "\n".repeat(FILE_LINES_MAX + 1), /^x\.ts:1: a file of 301 lines/],
    ["any", "const a: any = 1;", /^x\.ts:1: any/],
    ["any in a type argument", "const a = new Map<string, any>();", /any/],
    ["as any", "const a = b as any;", /any/],
    ["!", "const a = b!.c;", /! hides/],
    ["! on a property", "class A { b!: string }", /! hides/],
    ["Date.now", "const a = Date.now();", /Date\.now is banned in core: use the Clock/],
    ["Date.now handed on", "const a = { now: Date.now };", /Date\.now/],
    ["Date.now in brackets", 'const a = Date["now"]();', /Date\.now/],
    ["Date.now taken apart", "const { now } = Date;", /Date\.now/],
    ["Date.now through globalThis", "const a = globalThis.Date.now();", /Date\.now/],
    ["new Date without an argument", "const a = new Date();", /Date\.now/],
    ["Date called", "const a = Date();", /Date\.now/],
    ["Math.random", "const a = Math.random();", /Math\.random/],
    ["performance.now", "const a = performance.now();", /performance\.now/],
    ["setTimeout", "setTimeout(() => 1, 1);", /setTimeout/],
    ["setTimeout imported", 'import { setTimeout } from "node:timers/promises";', /setTimeout/],
    ["setInterval through globalThis", "globalThis.setInterval(() => 1, 1);", /setInterval/],
    ["console", 'console.log("a");', /console/],
    ["process.env", 'const a = process.env["A"];', /process\.env/],
    ["process.env in brackets", 'const a = process["env"];', /process\.env/],
    ["fetch", 'await fetch("https://example.com");', /fetch/],
    ["fetch handed on", "const a = { get: fetch };", /fetch/],
    [
      "a biome-ignore without a reason",
      "// biome-ignore lint/suspicious/noThenProperty: x\nconst a = 1;",
      /^x\.ts:1: a biome-ignore/,
    ],
    ["a biome-ignore without a word", "// biome-ignore lint/a/b\nconst a = 1;", /a biome-ignore/],
    ["a biome-ignore of a whole file", "// biome-ignore-all lint/a/b:\n", /a biome-ignore/],
  ];
  for (const [name, text, what] of cases) {
    it(`${name} is found, once`, () => {
      const found = untidy(text);
      expect(found).to.have.length(1);
      expect(found[0]).to.match(what);
    });
  }

  it("is not what only looks like it", () => {
    const fine = [
      "const a = new Date(1);",
      "const a = new Date(Number.NaN).toISOString();",
      "const a = Date.parse(b);",
      "const a = clock.now();",
      "const a = { fetch: 1, console: 2 };",
      "interface A { fetch(): void; setTimeout: number }",
      "const a = b.fetch();",
      "const a = process.pid;",
      "const a = !b && c !== d;",
      'const a = "any, Date.now(), console.log!";',
      "// Date.now() and any in a comment",
      "// biome-ignore lint/a/b: the vendor's own word for it\nconst a = 1;",
      `function a() {${"\n".repeat(FUNCTION_LINES_MAX - 1)}}`,
      "\n".repeat(FILE_LINES_MAX),
    ];
    for (const text of fine) expect(untidy(text), text).to.deep.equal([]);
  });

  it("outside of core may ask the clock, but not say any", () => {
    expect(untidy("Date.now(); console.log(process.env); setTimeout(a, 1);", false)).to.deep.equal([]);
    expect(untidy("const a: any = 1;", false)).to.have.length(1);
  });
});
