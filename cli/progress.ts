import { SingleBar } from "cli-progress";
import { whole } from "../core/backtest/lines.ts";

const PERCENT_STEP = 10;
/** Where nobody can say how many there are. */
const TICKETS_STEP = 1_000;

export interface Progress {
  /** So much of the total is done. */
  at(done: number): void;
  end(): void;
}

/** What is done, and how much of it there is: a share up to 1, or tickets; undefined where nobody can say how many. */
export interface Doing {
  /** The command, for lines in a log. */
  command: string;
  /** Such as `reading old.csv`. */
  what: string;
  total?: number | undefined;
  unit: "share" | "tickets";
}

/** A bar for people, a line every tenth for logs; both on stderr, so that what is printed can be piped. */
export function startProgress({ command, what, total, unit }: Doing): Progress {
  const all = unit === "share" ? 1 : total;
  if (!process.stderr.isTTY) return all === undefined ? counting(command, what) : lines(command, what, all);
  const done = unit === "share" ? "{percentage} %" : "{value} of about {total} tickets";
  const left = all === undefined ? "{value} tickets" : `{bar} ${done} | {eta_formatted} left`;
  const scale = unit === "share" ? 1_000 : 1;
  const bar = new SingleBar({ format: `${what} ${left}`, hideCursor: true });
  bar.start(Math.max(1, scale * (all ?? 1)), 0);
  return { at: (so) => bar.update(Math.floor(scale * so)), end: () => bar.stop() };
}

function lines(command: string, what: string, total: number): Progress {
  let next = PERCENT_STEP;
  return {
    at(done) {
      const percent = total === 0 ? 100 : (100 * done) / total;
      if (percent < next) return;
      const reached = Math.min(100, Math.floor(percent / PERCENT_STEP) * PERCENT_STEP);
      console.error(`${command}: ${what}, ${reached} %`);
      next = reached + PERCENT_STEP;
    },
    end() {},
  };
}

function counting(command: string, what: string): Progress {
  return {
    at(done) {
      if (done % TICKETS_STEP === 0) console.error(`${command}: ${what}, ${whole(done)} tickets`);
    },
    end() {},
  };
}
