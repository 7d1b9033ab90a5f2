import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import fc from "fast-check";
import PQueue from "p-queue";
import { z } from "zod";
import type { Bounds } from "../../../core/advice/chain.ts";
import type { Answer } from "../../../core/advice/models.ts";
import { Models } from "../../../core/advice/models.ts";
import type { ModelAnswer } from "../../../core/advice/provider.ts";
import type { Question } from "../../../core/advice/question.ts";
import type { AdviceMemory } from "../../../core/advice/remembered.ts";
import { Storm } from "../../../core/advice/storm.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { openProviderRig, PROVIDERS } from "../../contract/provider-rig.ts";
import { recordingLog } from "../../routes/recording-log.ts";
import { ticketWith } from "../support/tickets.ts";
import { CLASSIFIED, SETS } from "./answers.ts";
import { MODEL, NO_CAPS, openAsking, PRICES, questionFor, scripted, stepQuestion, wakingClock } from "./asking.ts";
import {
  CANARY,
  expectHarmless,
  expectOnlyRiskier,
  type Hostile,
  hostileDesk,
  listeningPolicy,
  MALICIOUS,
  TICKETS,
} from "./hostile.ts";

const RUNS = 12_000;
// Public collections of injected instructions, kept beside the repository since they are not ours to publish.
const FILE = fileURLToPath(new URL("../../../../shared/data/prompt-injections-dev.jsonl", import.meta.url));

const POLICY = listeningPolicy();
const UNMEASURED: Bounds = { boundOf: () => null };
/** As if every label had been measured, and found to be wrong in 3 % at the most. */
const MEASURED: Bounds = { boundOf: () => 100 };
const NEVER_OPEN = { admit: () => true, succeeded() {}, failed() {}, gaveUp() {} };

interface Played {
  text: string;
  model?: string;
  stop?: ModelAnswer["stop"];
}

/** A desk whose model answers as told, and which remembers nothing: every answer is looked at anew. */
function desk(
  bounds: Bounds,
  question: (ticket: Ticket) => Question<Answer> = questionFor,
  assessing?: (ticket: Ticket) => Question<Answer>,
) {
  const kept: unknown[] = [];
  let played: Played = { text: "" };
  const memory: AdviceMemory = {
    reserve: async () => ({ reserved: true }),
    settleSpend: async () => {},
    answer: async () => undefined,
    keepAnswer: async (answer) => {
      kept.push(answer);
      return answer;
    },
    outcomesOf: async () => [],
    spent: async () => [],
    tally: async () => ({ tickets: 0, errors: 0 }),
    demote: async () => false,
    demotions: async () => [],
    forgetAdvice: async () => 0,
  };
  const clock = wakingClock();
  const log = recordingLog();
  const storm = new Storm(clock, { questionsPerMinute: 1_000_000, keepPriority: 5 });
  const models = new Models({ memory, budgets: NO_CAPS, storm, clock, log, meter: { count: () => {} } });
  const provider = scripted(() => played);
  // A real breaker would rest; here nothing fails but answers.
  const breaker = NEVER_OPEN as unknown as Parameters<Models["ask"]>[0]["breaker"]; // all that is called of it
  const member = {
    provider,
    prices: PRICES,
    timeoutMs: 60_000,
    answersAs: [],
    breaker,
    queue: new PQueue({ concurrency: 8 }),
  };
  const hostile: Hostile = hostileDesk({
    models,
    member,
    bounds,
    policy: POLICY,
    question,
    ...(assessing && { assessing }),
  });
  return {
    async judgeChange(change: Ticket, play: Played) {
      played = play;
      kept.length = 0;
      const judged = await hostile.judgeChange(change);
      expectOnlyRiskier(change, judged);
      expect(JSON.stringify([kept, log.lines])).not.to.contain(CANARY);
      log.lines.length = 0;
      provider.requests.length = 0;
      return judged;
    },
    async judge(ticket: Ticket, play: Played) {
      played = play;
      kept.length = 0;
      const judged = await hostile.judge(ticket);
      expectHarmless(ticket, judged, bounds === MEASURED);
      expect(JSON.stringify([kept, log.lines])).not.to.contain(CANARY);
      log.lines.length = 0;
      provider.requests.length = 0;
      return judged;
    },
  };
}

/** Questions are made once for each ticket: what varies is the answer. */
function remembering(asked = questionFor): (ticket: Ticket) => Question<Answer> {
  const made = new Map<Ticket, Question<Answer>>();
  return (ticket) => {
    const known = made.get(ticket);
    if (known) return known;
    const question = asked(ticket);
    const words = question.words();
    const fixed = { ...question, words: () => words };
    made.set(ticket, fixed);
    return fixed;
  };
}

const { labels } = SETS;
const word = fc.constantFrom(
  "Network",
  "network ",
  "Security",
  "VPN",
  "Payroll",
  "Service Desk",
  "(none)",
  "",
  `x${CANARY}`,
  "__proto__",
);
const anyValue = fc.oneof(word, fc.boolean(), fc.array(word, { maxLength: 3 }), fc.jsonValue({ maxDepth: 2 }));
const labelOf = (set: readonly string[]) =>
  fc.oneof({ weight: 40, arbitrary: fc.constantFrom(...set, "(none)") }, { weight: 1, arbitrary: anyValue });
const words = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }).map((text) => CANARY + text),
  fc.constantFrom(
    ...["[~admin]", "https://x.example.com", "[il:0123456789abcdef]", "<b>", "@all", "\n\nDecision"].map(
      (text) => `${CANARY} ${text}`,
    ),
  ),
);
const answer = fc.record({
  category: labelOf(labels.category),
  service: labelOf(labels.service),
  assignment_group: labelOf(labels.assignment_group),
  intent: labelOf(labels.intent),
  security_related: fc.oneof({ weight: 40, arbitrary: fc.boolean() }, { weight: 1, arbitrary: anyValue }),
  urgency_signals: fc.oneof(
    { weight: 40, arbitrary: fc.subarray([...labels.urgency_signals]) },
    { weight: 1, arbitrary: anyValue },
  ),
  rationale: words,
});
const text = fc.oneof(
  { weight: 6, arbitrary: answer.map((value) => JSON.stringify(value)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(answer, fc.dictionary(fc.constantFrom("__proto__", "priority", "gates", CANARY), anyValue))
      .map(([value, more]) => JSON.stringify({ ...value, ...more })),
  },
  { weight: 1, arbitrary: fc.tuple(answer, fc.nat()).map(([value, at]) => JSON.stringify(value).slice(0, at % 200)) },
  {
    weight: 1,
    arbitrary: fc.oneof(fc.string({ unit: "binary" }), fc.json(), fc.constantFrom(...Object.values(MALICIOUS))),
  },
);
const played: fc.Arbitrary<Played> = fc.record(
  {
    text,
    model: fc.oneof({ weight: 20, arbitrary: fc.constant(MODEL) }, { weight: 1, arbitrary: words }),
    stop: fc.oneof(
      { weight: 20, arbitrary: fc.constant("complete" as const) },
      { weight: 1, arbitrary: fc.constantFrom("cut" as const, "refused" as const, "other" as const) },
    ),
  },
  { requiredKeys: ["text", "model", "stop"] },
);

/** What a model may say of a change, and much that it may not. */
const factorId = fc.constantFrom("no_backout", "peak_hours", "Peak_Hours ", CANARY, "__proto__", "");
const changeAnswer = fc.record({
  factors: fc.oneof(
    { weight: 30, arbitrary: fc.subarray(labels.risk_factors.map(({ id }) => id)) },
    { weight: 3, arbitrary: fc.array(factorId, { maxLength: 4 }) },
    { weight: 1, arbitrary: anyValue },
  ),
  rationale: words,
});
const playedOfChanges: fc.Arbitrary<Played> = fc
  .tuple(
    played,
    fc.oneof(
      { weight: 6, arbitrary: changeAnswer.map((value) => JSON.stringify(value)) },
      { weight: 1, arbitrary: fc.tuple(changeAnswer, fc.nat()).map(([v, at]) => JSON.stringify(v).slice(0, at % 200)) },
      { weight: 1, arbitrary: text },
    ),
  )
  .map(([play, said]) => ({ ...play, text: said }));

const quiet = {
  type: "normal",
  risk: "",
  backoutPlan: "Put it back.",
  cabRequired: false,
  onHold: false,
  outcome: "",
} as const;
const planned = { plannedStart: "2026-03-10T19:00:00.000Z", plannedEnd: "2026-03-10T20:00:00.000Z" };
const CHANGES: readonly Ticket[] = [
  ticketWith({
    kind: "change",
    title: "Swap the core switch",
    assignmentGroup: "Network",
    change: { ...quiet, ...planned },
  }),
  ticketWith({
    kind: "change",
    title: "Renew a certificate",
    assignmentGroup: "",
    change: { ...quiet, type: "standard" },
  }),
  ticketWith({
    ...{ kind: "change", title: "Mend the database now", ci: "erp-db-01", ciId: "db" },
    change: { ...quiet, type: "emergency", risk: "high", ...planned, plannedStart: "2026-03-02T10:00:00.000Z" },
  }),
  ticketWith({
    ...{ kind: "change", title: "Patch the mail servers", ci: "mail-01", ciId: "mail", assignmentGroup: "Servers" },
    change: { ...quiet, ...planned },
  }),
  ticketWith({
    kind: "change",
    title: "Move the proxy",
    ci: "proxy",
    ciId: "proxy",
    change: { ...quiet, backoutPlan: "" },
  }),
];

describe("a compromised model", () => {
  for (const [name, bounds] of [
    ["that nothing certifies", UNMEASURED],
    ["of a measured kind", MEASURED],
  ] as const) {
    it(`${name}: ${RUNS} answers remove 0 gates and 0 holds, and change 0 fields beyond what autonomy.yaml allows (property)`, async () => {
      const { judge } = desk(bounds, remembering());
      const seen = { answered: 0, moved: 0, suggested: 0, gated: 0 };
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...TICKETS), played, async (ticket, play) => {
          const { advice, with: advised, without: bare } = await judge(ticket, play);
          if (advice.fact) seen.answered += 1;
          if (advised.advice?.moved && advised.advice.limit === null) seen.moved += 1;
          if (Object.keys(advised.suggests).length > 0) seen.suggested += 1;
          if (advised.gates.length > bare.gates.length) seen.gated += 1;
        }),
        { numRuns: RUNS },
      );
      // A property over faults alone would prove nothing.
      expect(seen.answered).to.be.above(RUNS / 4);
      expect(seen.suggested).to.be.above(RUNS / 50);
      expect(seen.gated).to.be.above(RUNS / 50);
      if (bounds === MEASURED) expect(seen.moved).to.be.above(RUNS / 100);
      else expect(seen.moved).to.equal(0);
    }).timeout(300_000);

    it(`${name}: ${Object.keys(MALICIOUS).length} answers that somebody thought of do no more, about ${TICKETS.length} tickets each`, async () => {
      const { judge } = desk(bounds, remembering());
      for (const [what, said] of Object.entries(MALICIOUS))
        for (const ticket of TICKETS)
          await judge(ticket, { text: said }).catch((error: unknown) => {
            throw new Error(`${what}, about ${ticket.title}`, { cause: error });
          });
      expect(({} as Record<string, unknown>)["polluted"]).to.equal(undefined);
    });

    it(`${name}: one that obeys the texts of real collections does no more`, async function () {
      if (!existsSync(FILE)) {
        process.stdout.write(
          "      skipped: ../shared/data/prompt-injections-dev.jsonl is not beside this repository\n",
        );
        return this.skip();
      }
      const Line = z.looseObject({ text: z.string() });
      const texts = readFileSync(FILE, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => `${CANARY} ${Line.parse(JSON.parse(line)).text}`);
      expect(texts.length).to.be.above(500);
      const { judge } = desk(bounds);
      for (const [at, order] of texts.entries()) {
        const base = TICKETS[at % TICKETS.length] ?? fc.sample(fc.constantFrom(...TICKETS), 1)[0];
        const ticket = {
          ...base,
          description: `The VPN is down.\n${order}`,
          ...(at % 2 === 0 && { title: order }),
        } as Ticket; // a ticket of the list
        for (const said of [
          order,
          JSON.stringify({ ...CLASSIFIED, rationale: order }),
          JSON.stringify({ ...CLASSIFIED, category: order, [order]: order }),
        ])
          await judge(ticket, { text: said });
      }
    }).timeout(300_000);
  }

  it(`that assesses changes: ${RUNS} answers take no factor, gate or hold away, and move nothing but the risk, upwards (property)`, async () => {
    const assessing = remembering((ticket) => stepQuestion("assess_change", ticket));
    const { judgeChange } = desk(UNMEASURED, remembering(), assessing);
    const seen = { answered: 0, raised: 0, gated: 0 };
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...CHANGES), playedOfChanges, async (change, play) => {
        const { assessment, with: advised, without: bare } = await judgeChange(change, play);
        if (assessment.fact) seen.answered += 1;
        if (advised.risk?.tier !== bare.risk?.tier) seen.raised += 1;
        if (advised.gates.length + advised.holds.length > bare.gates.length + bare.holds.length) seen.gated += 1;
      }),
      { numRuns: RUNS },
    );
    // A property over faults alone would prove nothing.
    expect(seen.answered).to.be.above(RUNS / 4);
    expect(seen.raised).to.be.above(RUNS / 50);
    expect(seen.gated).to.be.above(RUNS / 100);
  }).timeout(300_000);

  it("that assesses changes: answers that somebody thought of do no more", async () => {
    const { judgeChange } = desk(UNMEASURED);
    const said = (change: object): string => JSON.stringify({ factors: ["no_backout"], rationale: CANARY, ...change });
    const orders = [
      ...Object.values(MALICIOUS),
      said({ factors: ["no_backout", CANARY] }),
      said({ factors: "no_backout" }),
      said({ factors: ["__proto__", "constructor"] }),
      said({ factors: Array(500).fill("peak_hours") }),
      said({ points: -100, tier: "low", approved: true }),
      said({ rationale: CANARY.repeat(60_000) }),
      said({ factors: [] }),
    ];
    let named = 0;
    for (const order of orders)
      for (const change of CHANGES) if ((await judgeChange(change, { text: order })).assessment.fact) named += 1;
    expect(named).to.be.at.least(2 * CHANGES.length);
  });

  for (const shape of PROVIDERS)
    it(`through ${shape.name}: ${Object.keys(MALICIOUS).length} answers do no more, and nothing of them stands in the store or the log`, async () => {
      const [asking, { sim, provider, close }] = [await openAsking(), await openProviderRig(shape)];
      try {
        const member = asking.member(provider);
        const models = asking.models();
        const under = { models, member, policy: POLICY, question: questionFor };
        let answered = 0;
        for (const [at, said] of Object.values(MALICIOUS).entries()) {
          sim.answer(said);
          const bounds = at % 2 === 0 ? UNMEASURED : MEASURED;
          const base = TICKETS[at % TICKETS.length];
          if (!base) continue;
          const ticket = { ...base, description: `Ticket ${at}` };
          const judged = await hostileDesk({ ...under, bounds }).judge(ticket);
          expectHarmless(ticket, judged, bounds === MEASURED);
          if (judged.advice.fact) answered += 1;
        }
        expect(answered).to.be.at.least(6);
        sim.answer({ text: JSON.stringify(CLASSIFIED), model: CANARY });
        await hostileDesk({ ...under, bounds: MEASURED }).judge({ ...(TICKETS[0] as Ticket), description: "Last" }); // the list is not empty
        const stored = JSON.stringify([await asking.rig.dump(), asking.log.lines]);
        expect(stored).to.contain("wrong_model");
        expect(stored).not.to.contain(CANARY);
      } finally {
        await close();
        await asking.close();
      }
    }).timeout(60_000);
});
