import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface DemoOptions {
  keep?: boolean;
  short?: boolean;
}

/** `interlock demo`. The simulators live with the tests, which a container image leaves out. */
export async function demo(options: DemoOptions): Promise<0 | 1> {
  const script = new URL("../test/demo/run.ts", import.meta.url);
  if (!existsSync(fileURLToPath(script))) {
    console.error(
      "interlock: the demo needs the simulators, which this installation leaves out; run `npm run demo` in a checkout",
    );
    return 1;
  }
  const { runDemo } = (await import(script.href)) as { runDemo(options: DemoOptions): Promise<0 | 1> }; // the script's own export
  return runDemo(options);
}
