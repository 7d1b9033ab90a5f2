/** Lets calls about the same thing follow one another. */
export interface InTurn {
  /** Runs `work` when those before it under the same key have ended, well or not. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** Two that look whether something is there, and make it where it is not, would both make it at the same time. */
export function inTurn(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return {
    async run(key, work) {
      const before = last.get(key) ?? Promise.resolve();
      const running = before.then(work, work);
      last.set(key, running);
      try {
        return await running;
      } finally {
        if (last.get(key) === running) last.delete(key);
      }
    },
  };
}
