import { mappingChanges, mappingsVersion, policyChanges } from "../core/config/changes.ts";
import { type Config, mappingsInUse } from "../core/config/load.ts";
import { keptOf } from "../core/config/policy-files.ts";
import type { Mode } from "../core/config/settings.ts";
import type { Meter } from "../core/ports.ts";
import type { Store } from "../core/store/store.ts";

/** What the ledger takes of a change. */
const CHANGES_MAX = 200;
const TEXT_MAX = 400;

/** The configuration that rules now, and whether a later one was refused. */
export class CurrentConfig {
  config: Config;
  mode: Mode;
  /** Problems of the configuration that was refused last; 0 where the files on the disk are the ones that rule. */
  refused = 0;
  readonly #store: Pick<Store, "append" | "keepPolicy">;
  readonly #meter: Meter;

  constructor(config: Config, store: Pick<Store, "append" | "keepPolicy">, meter: Meter) {
    this.config = config;
    this.mode = config.settings.mode;
    this.#store = store;
    this.#meter = meter;
  }

  /**
   * Takes over the rules, the mappings and the mode of a sound configuration, all at once; they are kept and on the
   * ledger before they rule, since what cannot be recorded does not happen. `files` say what changed on the disk and who
   * could write it. Answers what changed, rule by rule and mapping by mapping.
   */
  async adopt(next: Config, files: readonly string[]): Promise<string[]> {
    const { policy, settings } = this.config;
    const mappings = mappingsAfter(this.config, next);
    const used = mappingsInUse(settings, mappings);
    const changes = [
      ...policyChanges(policy, next.policy),
      ...mappingChanges(mappingsInUse(settings, this.config.mappings), used),
    ];
    if (next.settings.mode !== this.mode) changes.push(`mode is ${next.settings.mode}`);
    if (changes.length > 0) {
      await this.#store.keepPolicy(keptOf(next.policy));
      const body = {
        before: policy.version,
        policyVersion: next.policy.version,
        mappingsVersion: mappingsVersion(used),
        mode: next.settings.mode,
        changes: changes.slice(0, CHANGES_MAX).map((change) => change.slice(0, TEXT_MAX)),
        changed: changes.length,
        files: files.map((file) => file.slice(0, TEXT_MAX)),
      };
      await this.#store.append([{ kind: "config", ticket: null, body }]);
    }
    this.config = { policy: next.policy, mappings, settings: { ...settings, mode: next.settings.mode } };
    this.mode = next.settings.mode;
    this.refused = 0;
    this.#meter.count("interlock_reloads_total", { outcome: "adopted" });
    return changes;
  }

  /** A changed configuration has so many problems: the one of before stays. */
  refuse(problems: number): void {
    this.refused = problems;
    this.#meter.count("interlock_reloads_total", { outcome: "refused" });
  }
}

/**
 * The mappings of the next configuration. Who is called, and for which records, is settled at the start: what the
 * connections that run still need, and the next one does not have for the same vendor, stays as it was.
 */
function mappingsAfter({ settings, mappings }: Config, next: Config): Config["mappings"] {
  const after = new Map(next.mappings);
  for (const mapping of mappingsInUse(settings, mappings))
    if (after.get(mapping.name)?.vendor !== mapping.vendor) after.set(mapping.name, mapping);
  return after;
}
