import { SingleBar } from "cli-progress";

const PERCENT_STEP = 10;

export interface Progress {
  /** So much is done, 0 to 1. */
  at(share: number): void;
  end(): void;
}

/** A bar for people, a line every tenth for logs; both on stderr, so that what is printed can be piped. */
export function startProgress(command: string, doing: string): Progress {
  if (!process.stderr.isTTY) return lines(command, doing);
  const bar = new SingleBar({ format: `${doing} {bar} {percentage} % | {eta_formatted} left`, hideCursor: true });
  bar.start(1_000, 0);
  return { at: (share) => bar.update(Math.floor(1_000 * share)), end: () => bar.stop() };
}

function lines(command: string, doing: string): Progress {
  let next = PERCENT_STEP;
  return {
    at(share) {
      if (100 * share < next) return;
      const reached = Math.min(100, Math.floor((100 * share) / PERCENT_STEP) * PERCENT_STEP);
      console.error(`${command}: ${doing}, ${reached} %`);
      next = reached + PERCENT_STEP;
    },
    end() {},
  };
}
