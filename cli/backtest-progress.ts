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

/** How far reading is: the share of a file, or tickets; undefined where nobody can say how many there will be. */
export interface Length {
  total: number | undefined;
  unit: "share" | "tickets";
}

/** A bar for people, a line every tenth for logs; both on stderr, so that what is printed can be piped. */
export function startProgress(name: string, { total, unit }: Length): Progress {
  if (!process.stderr.isTTY) return total === undefined ? counting(name) : lines(name, total);
  const done = unit === "share" ? "{percentage} %" : "{value} of about {total} tickets";
  const left = total === undefined ? "{value} tickets" : `{bar} ${done} | {eta_formatted} left`;
  const scale = unit === "share" ? 1_000 : 1;
  const bar = new SingleBar({ format: `replaying ${left}`, hideCursor: true });
  bar.start(Math.max(1, scale * (total ?? 1)), 0);
  return { at: (read) => bar.update(Math.floor(scale * read)), end: () => bar.stop() };
}

function lines(name: string, total: number): Progress {
  let next = PERCENT_STEP;
  return {
    at(done) {
      const percent = total === 0 ? 100 : (100 * done) / total;
      if (percent < next) return;
      const reached = Math.min(100, Math.floor(percent / PERCENT_STEP) * PERCENT_STEP);
      console.error(`backtest: ${reached} % of ${name} read`);
      next = reached + PERCENT_STEP;
    },
    end() {},
  };
}

function counting(name: string): Progress {
  return {
    at(done) {
      if (done % TICKETS_STEP === 0) console.error(`backtest: ${whole(done)} tickets of ${name} read`);
    },
    end() {},
  };
}
