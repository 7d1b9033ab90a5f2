import { accessSync, constants, readFileSync, statSync } from "node:fs";
import PQueue from "p-queue";
import { openProvider } from "../connectors/ai/open.ts";
import { Adviser, type Consulted } from "../core/advice/adviser.ts";
import { canAsk } from "../core/advice/answer.ts";
import { Breaker } from "../core/advice/breaker.ts";
import { readCalibrations } from "../core/advice/calibration/file.ts";
import { byOf, type Link, type LocalModel } from "../core/advice/chain.ts";
import { openClassify } from "../core/advice/local/model.ts";
import { type Member, Models } from "../core/advice/models.ts";
import { questionAbout } from "../core/advice/question-about.ts";
import { LABEL_FIELDS } from "../core/advice/step.ts";
import { Storm } from "../core/advice/storm.ts";
import { type Calibrations, type Restored, Trust } from "../core/advice/trust.ts";
import { Watch } from "../core/advice/watch.ts";
import type { Clock, Ids } from "../core/clock.ts";
import { type AiSettings, LOCAL, PERSON } from "../core/config/ai.ts";
import type { Log, Meter } from "../core/ports.ts";
import type { Store } from "../core/store/store.ts";

/** Largest file of a model that is read. */
const MODEL_BYTES_MAX = 256 * 1_048_576;
const REFRESH_MS = 60_000;
const DAY_MS = 86_400_000;

export interface AdviceDeps {
  store: Store;
  clock: Clock;
  ids: Ids;
  log: Log;
  meter: Meter;
  /** Classes that are trusted again, as the rules have it now. */
  restored(): readonly Restored[];
}

/** Advice as the configuration has it. */
export interface OpenAdvice {
  adviser: Adviser;
  watch: Watch;
  close(): Promise<void>;
}

/** Opens models and providers. One that cannot be had is told of, and its place in a chain is passed over. */
export async function openAdvice(settings: AiSettings, deps: AdviceDeps): Promise<OpenAdvice> {
  const { store, clock, ids, log, meter, restored } = deps;
  const local = localModel(settings, log);
  const { chains, members } = await chainsOf(settings, local, clock);
  // A day that is still to come would switch the watch off.
  const today = (): Restored[] => restored().filter(({ sinceMs }) => sinceMs < clock.now() + DAY_MS);
  const trust = new Trust(calibrationsOf(settings, { local, members, log }), today);
  const watch = new Watch({ memory: store, trust, clock, log, meter });
  await watch.refresh();
  const storm = new Storm(clock, settings.storm);
  const { labels, shows, phoneCountry, steps, budgets } = settings;
  const { settles = 500 } = steps.classify ?? {};
  const nonce = (): string => ids.short() + ids.short();
  const consulted = (step: Consultable): Consulted => ({
    chain: chains[step] ?? [],
    questionAbout: (ticket) =>
      questionAbout({
        ...{ step, fields: shows[step], ticket, labels, phoneCountry, nonce },
        outputTokensMax: steps[step]?.outputTokensMax ?? OUTPUT_TOKENS_MAX,
      }),
  });
  const choices = { labels, articles: [] };
  const ifAsked = (step: Consultable): Consulted | undefined =>
    chains[step] && canAsk(step, choices) ? consulted(step) : undefined;
  const adviser = new Adviser({
    ...consulted("classify"),
    assess: ifAsked("assess_change"),
    summarise: ifAsked("summarise_for_approver"),
    ...{ bounds: trust, settlesBp: settles, auditBp: settings.audit, auditSeed: await auditSeed(store) },
    models: new Models({ memory: store, budgets, storm, clock, log, meter }),
    securityCategories: new Set(labels.security_categories),
    textOf: ({ title, description }) => `${title}\n${description}`,
  });
  const over = new AbortController();
  const refreshing = keepFresh(watch, deps, over.signal);
  return {
    adviser,
    watch,
    async close() {
      over.abort();
      await refreshing;
      await Promise.all(members.map(({ provider }) => provider.close()));
    },
  };
}

/** The steps that the loop asks. */
const CONSULTABLE = ["classify", "assess_change", "summarise_for_approver"] as const;
type Consultable = (typeof CONSULTABLE)[number];

const OUTPUT_TOKENS_MAX = 600;

/** The chains of all steps that have one. A provider is one member of all of them: its breaker and its queue are its own. */
async function chainsOf(
  { enabled, steps, ...settings }: AiSettings,
  local: LocalModel | undefined,
  clock: Clock,
): Promise<{ chains: Partial<Record<Consultable, Link[]>>; members: Member[] }> {
  const members = new Map<string, Member>();
  const chains: Partial<Record<Consultable, Link[]>> = {};
  for (const step of enabled ? CONSULTABLE : []) {
    const names = steps[step]?.chain;
    if (!names) continue;
    const chain: Link[] = [];
    for (const name of names) {
      if (name === PERSON) chain.push({ kind: "person" });
      else if (name === LOCAL) chain.push({ kind: "local", name, model: local });
      else {
        const member = members.get(name) ?? (await memberOf(name, settings, clock));
        if (!member) continue;
        members.set(name, member);
        chain.push({ kind: "model", member });
      }
    }
    chains[step] = chain;
  }
  return { chains, members: [...members.values()] };
}

async function memberOf(
  name: string,
  settings: Pick<AiSettings, "providers" | "breaker" | "callsAtOnceMax">,
  clock: Clock,
): Promise<Member | undefined> {
  const provider = settings.providers[name];
  if (!provider) return undefined;
  return {
    provider: await openProvider(name, provider, { clock }),
    prices: provider.prices ?? { inputPerMillion: 0, outputPerMillion: 0 },
    timeoutMs: provider.timeout,
    answersAs: provider.answersAs,
    breaker: new Breaker(clock, settings.breaker),
    queue: new PQueue({ concurrency: settings.callsAtOnceMax }),
  };
}

/** The classifier of this installation; undefined, and told of, where its file is not there or does not hold. */
function localModel({ local }: AiSettings, log: Log): LocalModel | undefined {
  if (!local) return undefined;
  const { model: path } = local;
  if (!isReadable(path)) {
    log.warn("there is no local model that can be read, so nothing is classified by it; run interlock train", { path });
    return undefined;
  }
  const opened = openClassify(readFileSync(path));
  if ("fault" in opened) {
    log.warn("the local model is not used", { path, fault: opened.fault, what: opened.message });
    return undefined;
  }
  const { model, checksum } = opened;
  return {
    id: checksum,
    predict(text) {
      const found = model.predict(text);
      return Object.fromEntries(
        LABEL_FIELDS.flatMap((field) => (found[field]?.[0] ? [[field, found[field][0]] as const] : [])),
      );
    },
  };
}

/** A file that this user may read, and that is no larger than a model can be. */
function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    const found = statSync(path);
    return found.isFile() && found.size <= MODEL_BYTES_MAX;
  } catch {
    return false; // What is not there and what may not be read end alike, and are told of alike.
  }
}

interface Measured {
  local: LocalModel | undefined;
  members: readonly Member[];
  log: Log;
}

/** What was measured of the models in use. Without it their answers are suggestions. */
function calibrationsOf(settings: AiSettings, { local, members, log }: Measured): Calibrations {
  const found = new Map<string, ReturnType<typeof fieldsOf>>();
  const add = (by: string, path: string, digest: string): void => {
    const fields = fieldsOf(path, digest, log);
    if (fields) found.set(by, fields);
  };
  if (local && settings.local?.calibration) add(byOf(LOCAL, local.id), settings.local.calibration, local.id);
  for (const { provider } of members) {
    const path = settings.calibrations[provider.name];
    const measured = path === undefined ? undefined : fieldsOf(path, undefined, log);
    const [any] = Object.values(measured ?? {});
    if (measured && any) found.set(any.modelDigest, measured);
  }
  return new Map([...found].flatMap(([by, fields]) => (fields ? [[by, fields] as const] : [])));
}

/** `digest` is of the model that it must be of; undefined where the file itself says of which. */
function fieldsOf(path: string, digest: string | undefined, log: Log) {
  if (!isReadable(path)) {
    log.warn("there is no calibration that can be read, so answers are only suggested; run interlock calibrate", {
      path,
    });
    return undefined;
  }
  const read = readCalibrations(readFileSync(path, "utf8"), digest);
  if (!("fault" in read)) return read;
  log.warn("a calibration is not used, so answers are only suggested", { path, fault: read.fault, what: read.message });
  return undefined;
}

/** The same for all processes of a store, and for ever: a ticket that is drawn once stays drawn. Nobody who writes tickets knows it. */
async function auditSeed(store: Store): Promise<string> {
  const [first] = await store.entries(0, 1);
  return first?.hash ?? "";
}

async function keepFresh(watch: Watch, { clock, log }: AdviceDeps, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await clock.sleep(REFRESH_MS, over);
    if (over.aborted) return;
    try {
      await watch.refresh();
    } catch {
      log.warn("what other processes found out about advice could not be read; it will be tried again", {});
    }
  }
}
