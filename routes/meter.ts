import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { CounterLabels, CounterName, Meter } from "../core/ports.ts";
import type { Store } from "../core/store/store.ts";

type Declared = { readonly [N in CounterName]: { help: string; labels: Readonly<Record<CounterLabels[N], true>> } };

/** What each counter counts. A record and not a list: it does not compile while a counter or a label is missing. */
const COUNTERS: Declared = {
  interlock_signals_total: { help: "Webhook deliveries by outcome", labels: { connection: true, outcome: true } },
  interlock_reconciles_total: { help: "Looks at a ticket", labels: { connection: true } },
  interlock_writes_total: { help: "Tickets written to", labels: { connection: true } },
  interlock_vendor_calls_total: { help: "Calls to a vendor's API", labels: { connection: true, operation: true } },
  interlock_failures_total: {
    help: "Tickets that failed, by kind of fault",
    labels: { connection: true, kind: true },
  },
  interlock_drift_total: { help: "Vendor values that a mapping does not know", labels: { mapping: true, field: true } },
  interlock_given_back_total: {
    help: "People's values that were put back after an edit at the same moment",
    labels: { connection: true },
  },
  interlock_overwrites_total: {
    help: "Writes that may have replaced a person's edit of the same moment, by whether the history shows one",
    labels: { connection: true, known: true },
  },
  interlock_facts_failed_total: { help: "Facts that could not be fetched", labels: { fact: true } },
  interlock_reloads_total: { help: "Changes of the configuration files, by outcome", labels: { outcome: true } },
  interlock_advice_total: {
    help: "Questions to models: used, answered from what is stored, or why there is no answer",
    labels: { provider: true, step: true, outcome: true },
  },
  interlock_advice_micros_total: {
    help: "What models cost, in millionths of the configured currency",
    labels: { provider: true, step: true },
  },
  interlock_advice_outcomes_total: {
    help: "Labels of advice beside what people closed the ticket with",
    labels: { field: true, automatic: true, correct: true },
  },
  interlock_demotions_total: {
    help: "Classes of answers that are only suggested from then on, since outcomes refuted their bound",
    labels: { field: true },
  },
  interlock_unmapped_total: { help: "Records that no mapping covers", labels: { connection: true } },
  interlock_sweeps_total: {
    help: "Sweeps of a record type: complete, cut short by their limit of pages, or the kind of fault that ended them",
    labels: { connection: true, type: true, outcome: true },
  },
  interlock_sweep_found_total: {
    help: "Changes that a sweep saw at their source, by what told of them first",
    labels: { connection: true, type: true, by: true },
  },
};

export interface Metrics extends Meter {
  /** Prometheus text format. */
  render(): Promise<string>;
  contentType: string;
  /** The sum of a counter over all labels, for reports. */
  total(name: CounterName, labels?: Readonly<Record<string, string>>): Promise<number>;
}

/** `identities` answers, per connection, whether another instance than the pinned one answers. */
export function createMetrics(
  store: () => Store | undefined,
  identities: () => readonly { connection: string; contradicted: boolean }[] = () => [],
): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>(
    Object.entries(COUNTERS).map(([name, { help, labels }]) => [
      name,
      new Counter({ name, help, labelNames: Object.keys(labels), registers: [registry] }),
    ]),
  );
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const parked = gauge("interlock_parked", "Tickets that wait for a person");
  const pending = gauge("interlock_pending", "Tickets that are due or in work");
  const entries = gauge("interlock_ledger_entries", "Entries of the ledger");
  const mismatch = new Gauge({
    name: "interlock_identity_mismatch",
    help: "1 where another instance answers than the one the connection was made for; nothing is written to it",
    labelNames: ["connection"],
    registers: [registry],
  });

  function counter(name: CounterName): Counter {
    const found = counters.get(name);
    if (!found) throw new Error(`there is no counter ${name}`);
    return found;
  }

  return {
    contentType: registry.contentType,
    count: (name, labels, by = 1) => counter(name).inc(labels, by),
    async render() {
      // Figures must be had above all when the store is in trouble.
      const counts = await store()
        ?.counts()
        .catch(() => undefined);
      if (counts) {
        parked.set(counts.parked);
        pending.set(counts.pending);
        entries.set(counts.ledger);
      }
      for (const { connection, contradicted } of identities()) mismatch.set({ connection }, contradicted ? 1 : 0);
      return registry.metrics();
    },
    async total(name, labels = {}) {
      const { values } = await counter(name).get();
      const wanted = Object.entries(labels);
      return values
        .filter((value) => wanted.every(([key, text]) => value.labels[key] === text))
        .reduce((sum, { value }) => sum + value, 0);
    },
  };
}
