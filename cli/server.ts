import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { type CallDispatcher, installDispatcher } from "../connectors/jira/http.ts";
import { MICROS_PER_CENT } from "../core/advice/money.ts";
import { type Spending, spendingNow } from "../core/advice/spending.ts";
import type { Clock, Ids, Rng } from "../core/clock.ts";
import type { AiSettings } from "../core/config/ai.ts";
import { mappingsVersion } from "../core/config/changes.ts";
import { type Config, mappingsInUse } from "../core/config/load.ts";
import { keptOf } from "../core/config/policy-files.ts";
import type { Mode } from "../core/config/settings.ts";
import { describeError } from "../core/errors.ts";
import { startIntake } from "../core/intake/intake.ts";
import { type Checkpoint, witnessLine } from "../core/ledger/checkpoint.ts";
import type { Checkpoints } from "../core/ledger/checkpoints.ts";
import type { Log } from "../core/ports.ts";
import type { ReconcileDeps } from "../core/reconcile/deps.ts";
import { type Loop, startLoop } from "../core/reconcile/loop.ts";
import type { Store } from "../core/store/store.ts";
import { createApp, createHttpServer } from "../routes/app.ts";
import { createMetrics, type Metrics } from "../routes/meter.ts";
import type { SweepApi } from "../routes/sweep-api.ts";
import { urlOf } from "./address.ts";
import { type AdviceDeps, openAdvice } from "./advice.ts";
import { watchClock } from "./clock-watch.ts";
import { CurrentConfig } from "./current-config.ts";
import { type Desks, openDesks } from "./desks.ts";
import { signLedger } from "./ledger-signing.ts";
import { openOperating } from "./operating.ts";
import { openStoreUrl } from "./store.ts";
import { openSweeping, type Sweeping } from "./sweeping.ts";
import { VERSION } from "./version.ts";

const HOUSEKEEPING_MS = 3_600_000;
const FORGET_MAX = 10_000;
/** How long answers and spending are kept: a text that comes again within that time costs nothing. */
const ADVICE_RETENTION_MS = 400 * 86_400_000;
/** How long a stop waits, after `drainMs`, for the calls it has cut off and for what is written about them. */
const CUT_OFF_MS = 2_000;

export interface ServerDeps {
  clock: Clock;
  rng: Rng;
  ids: Ids;
  log: Log;
  adminToken: string | undefined;
  /** Milliseconds that only ever pass; where it is given, jumps of the clock are noted on the ledger. */
  monotonic?: () => number;
}

/** A running sidecar. */
export interface Running {
  /** Where it listens, such as http://127.0.0.1:8080. */
  url: string;
  store: Store;
  metrics: Metrics;
  loop: Loop;
  sweeps: SweepApi;
  setMode(mode: Mode): void;
  /** Signs the ledger; undefined where there is no key. */
  checkpoints: Checkpoints | undefined;
  /** The configuration that rules, and who changes it while the server runs. */
  current: CurrentConfig;
  /**
   * Takes no more webhooks, finishes what is in work, gives back what is left, and closes everything. What is not
   * finished within `drainMs` is cut off, for the next start to read back. Answers how many tickets that were.
   */
  stop(): Promise<number>;
}

/** Opens the store, connects to the vendors' desks, starts the loop and listens. */
export async function startServer(config: Config, deps: ServerDeps): Promise<Running> {
  const { settings } = config;
  const { limits } = settings;
  const { clock, log } = deps;
  const worker = `${hostname()}-${process.pid}-${deps.ids.short().slice(0, 6)}`;
  const store = await beginStore(config, worker, deps);
  const metrics = createMetrics(
    () => store,
    () => identityGauges(sweeping),
  );
  const current = new CurrentConfig(config, store, metrics);
  const dispatcher = installDispatcher(limits.callTimeoutMs);
  const checkpoints = await orClose(signLedger(settings, { ...deps, store }), { store, dispatcher });
  let loop: Loop | undefined;
  const wake = (): void => loop?.wake();
  const intake = startIntake(store, limits, wake);
  const shared = { store, limits, clock, log, meter: metrics };
  const operating = openOperating({
    ...{ ...deps, ...shared, wake, desks: () => desks, policy: () => current.config.policy },
    ...{ configured: () => current.mode, unlowered: (connection) => sweeping.modeOf(connection, current.mode) },
  });
  const { desks, sources, swept } = openDesks(current, { ...shared, mayWrite: operating.mayWrite });
  const sweeping = openSweeping(swept, { ...deps, ...shared, wake });
  const http = createHttpServer(
    createApp({
      ...{ ...shared, sources, intake, metrics, adminToken: deps.adminToken, wake },
      ...{ sweeps: sweeping.api, revokes: operating.revokes, modes: operating.modes },
      refused: () => current.refused,
      spending: () => spendingOf(settings.ai, { current, store, clock }),
    }),
  );
  const advice = await orClose(adviceFor(current, { ...deps, ...shared }), { store, dispatcher, checkpoints });
  await orClose(listen(http, settings.listen), { store, dispatcher, checkpoints });
  await sweeping.checkIdentities();
  const witness = (): string | undefined => lineOf(checkpoints?.last());
  const may = { mayRead: sweeping.mayRead, ...operating.brakes, ...advice.asked, witness };
  const running = startLoop({ ...deps, ...shared, ...may, desks, worker });
  loop = running;
  sweeping.start();
  const { port } = http.address() as AddressInfo; // listening on TCP, so never a pipe's name
  const ending = new AbortController();
  const housekeeping = keepHouse(store, { clock, log, retentionMs: limits.signalRetentionMs }, ending.signal);
  if (deps.monotonic) void watchClock({ clock, log, store, worker, monotonic: deps.monotonic }, ending.signal);
  const told = { host: settings.listen.host, port, mode: settings.mode, policy: config.policy.version, worker };
  log.info("interlock is listening", told);

  return {
    ...{ url: urlOf(settings.listen.host, port), store, metrics, checkpoints, current },
    loop: running,
    sweeps: sweeping.api,
    setMode(next) {
      current.mode = next;
    },
    async stop() {
      ending.abort();
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      await intake.close();
      http.closeIdleConnections();
      const [released] = await Promise.all([running.stop(), sweeping.stop()]);
      http.closeAllConnections();
      await closed;
      await housekeeping;
      const unfinished = await closeDesks({ desks, dispatcher, loop: running }, deps);
      await advice.close();
      await endStore(store, { worker, released }, { checkpoints, log });
      log.info("interlock has stopped", { worker, released, unfinished });
      return unfinished;
    },
  };
}

function lineOf(checkpoint: Checkpoint | undefined): string | undefined {
  return checkpoint && witnessLine(checkpoint);
}

/** Opens the store and records what starts on it, with which rules. */
async function beginStore(config: Config, worker: string, { clock, log }: ServerDeps): Promise<Store> {
  const { settings, policy } = config;
  const store = await openStoreUrl(settings.store, clock, log);
  const versions = {
    policyVersion: policy.version,
    mappingsVersion: mappingsVersion(mappingsInUse(settings, config.mappings)),
  };
  const body = { version: VERSION, mode: settings.mode, ...versions, worker };
  await store.append([{ kind: "start", ticket: null, body }]);
  await store.keepPolicy(keptOf(policy));
  return store;
}

async function endStore(
  store: Store,
  body: { worker: string; released: number },
  { checkpoints, log }: { checkpoints: Checkpoints | undefined; log: Log },
): Promise<void> {
  await checkpoints?.stop();
  await store.append([{ kind: "stop", ticket: null, body }]);
  try {
    await checkpoints?.make();
  } catch (error) {
    log.error("the end of the ledger could not be signed", { error: describeError(error) });
  }
  await store.close();
}

/** Goes on, or lets go of what was opened: a server that cannot listen, say, must not go on working tickets unseen. */
async function orClose<T>(
  next: Promise<T>,
  opened: { store: Store; dispatcher: CallDispatcher; checkpoints?: Checkpoints | undefined },
): Promise<T> {
  try {
    return await next;
  } catch (error) {
    await opened.checkpoints?.stop();
    await opened.dispatcher.close();
    await opened.store.close();
    throw error;
  }
}

/** Whom the loop asks for advice; nobody where the configuration names none. */
async function adviceFor(
  current: CurrentConfig,
  deps: Omit<AdviceDeps, "restored">,
): Promise<{ asked: Pick<ReconcileDeps, "adviser" | "watch">; close(): Promise<void> }> {
  const { ai } = current.config.settings;
  if (!ai) return { asked: {}, close: async () => {} };
  const { close, ...asked } = await openAdvice(ai, {
    ...deps,
    restored: () => current.config.policy.autonomy.restored,
  });
  return { asked, close };
}

/** What advice costs; nothing where the configuration has nobody to ask. */
function spendingOf(
  ai: AiSettings | undefined,
  { current, store, clock }: { current: CurrentConfig; store: Store; clock: Clock },
): Promise<Spending> {
  const { rules, fallback, restored } = current.config.policy.autonomy;
  const capped = [...rules, fallback].flatMap(({ id, centsPerDayMax }) =>
    centsPerDayMax === null ? [] : [{ rule: id, dayMax: centsPerDayMax * MICROS_PER_CENT }],
  );
  const budgets = ai?.enabled ? ai.budgets : undefined;
  const asked = { memory: store, budgets, currency: ai?.currency, rules: capped, restored, nowMs: clock.now() };
  return spendingNow(asked);
}

/** What the metrics show of identities. */
export function identityGauges({ api }: Sweeping): { connection: string; contradicted: boolean }[] {
  return api.identities().map(({ connection, state }) => ({ connection, contradicted: state === "contradicted" }));
}

/** Closes what calls the vendors. Answers how many tickets were still in work then: their calls are cut off. */
async function closeDesks(
  { desks, dispatcher, loop }: { desks: Desks["desks"]; dispatcher: CallDispatcher; loop: Loop },
  { clock, log }: ServerDeps,
): Promise<number> {
  const unfinished = loop.inFlight();
  const closing = [...desks.values()].map(({ connector }) => connector.close());
  closing.push(unfinished > 0 ? dispatcher.abort() : dispatcher.close());
  if (unfinished === 0) {
    await Promise.all(closing);
    return 0;
  }
  log.warn("the time for draining is over; calls are cut off, and the next start reads back what they did", {
    tickets: unfinished,
  });
  const untilMs = clock.now() + CUT_OFF_MS;
  const late = new AbortController();
  await Promise.race([Promise.allSettled(closing), clock.sleep(CUT_OFF_MS, late.signal)]);
  late.abort();
  // What is written about the calls needs the store, which closes next.
  while (loop.inFlight() > 0 && clock.now() < untilMs) await clock.sleep(10);
  return unfinished;
}

async function listen(http: Server, { host, port }: { host: string; port: number }): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      http.once("error", reject);
      http.listen(port, host, resolve);
    });
  } catch (error) {
    throw new Error(`cannot listen on ${host}:${port}; stop what is there, or change listen in interlock.yaml`, {
      cause: error,
    });
  }
}

async function keepHouse(
  store: Store,
  { clock, log, retentionMs }: { clock: Clock; log: Log; retentionMs: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      let forgotten = 0;
      do {
        const beforeMs = clock.now() - retentionMs;
        const signals = await store.forgetSignals(beforeMs, FORGET_MAX);
        const swept = await store.forgetSwept(beforeMs, FORGET_MAX);
        await store.forgetAdvice(clock.now() - ADVICE_RETENTION_MS, FORGET_MAX);
        if (signals + swept > 0) log.info("old deliveries and sweeps were forgotten", { signals, swept });
        forgotten = Math.max(signals, swept);
      } while (forgotten === FORGET_MAX && !signal.aborted);
    } catch (error) {
      log.warn("housekeeping failed; it will be tried again in an hour", { error: describeError(error) });
    }
    await clock.sleep(HOUSEKEEPING_MS, signal);
  }
}
