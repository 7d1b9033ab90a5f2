/** Answers one question of many of a kind; undefined where there is no answer to it. */
export type Gathered<Answer> = (key: string) => Promise<Answer | undefined>;

/**
 * Puts together what is asked in the same turn of the event loop, so that the tickets of a batch share their calls. A
 * failure of the one call is the failure of everybody who shared it.
 */
export function gathered<Answer>(
  ask: (keys: readonly string[]) => Promise<ReadonlyMap<string, Answer>>,
): Gathered<Answer> {
  let open: { keys: Set<string>; answers: Promise<ReadonlyMap<string, Answer>> } | undefined;

  function begin(): NonNullable<typeof open> {
    const keys = new Set<string>();
    const turn = new Promise<void>((resolve) => setImmediate(resolve));
    const answers = turn.then(() => {
      open = undefined;
      return ask([...keys]);
    });
    return { keys, answers };
  }

  return async (key) => {
    open ??= begin();
    const { keys, answers } = open;
    keys.add(key);
    return (await answers).get(key);
  };
}
