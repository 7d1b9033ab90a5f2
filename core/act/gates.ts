import { instant } from "../clock.ts";
import type { Gate } from "../decision.ts";
import type { JudgedAnswer } from "../gates/answer.ts";
import type { GateMemory } from "../gates/gate.ts";
import { isAnew } from "../policy/rollback.ts";
import type { Ticket } from "../ticket.ts";
import type { GateEvent, GatePlan, GatePlanInput, JudgedGate } from "./gate-plan.ts";
import { closeDoors, draftOf, passedText, REOPENS_MAX, sideDoorPark } from "./side-doors.ts";

/** What is to be done about the approvals of a ticket, and what people are to be told of them. Pure. */
export function planGates(input: GatePlanInput): GatePlan {
  const { decision, mode, canAsk, told } = input;
  const plan: GatePlan = {
    ...{ asks: [], unresolved: [], cancels: [], undos: [], events: [], memory: [], decided: [], park: undefined },
  };
  const stopped = decision.holds.some(({ before }) => before === undefined);
  for (const judged of input.judged) followUp(judged, input, stopped, plan);
  if (mode === "act" && !stopped) goByItself(input, plan);
  const isNoted = mode === "act" && isDraft(input.ticket);
  for (const gate of isNoted ? decision.gates : []) plan.memory.push(...draftOf(gate, input));
  const wanted = mode === "act" && !stopped ? decision.gates.filter((gate) => isToAsk(gate, input)) : [];
  for (const gate of wanted) plan.unresolved.push(...askFor(gate, input, plan));
  if (wanted.length > 0 && !canAsk) plan.park = noQueue(wanted);
  const events = plan.events.filter((event) => !told.has(eventName(event)));
  return { ...plan, events, decided: decidedBy(input) };
}

function decidedBy({ before, judged }: GatePlanInput): GateMemory[] {
  return before.map((old) => {
    const now = judged.find(({ memory }) => memory.marker === old.marker && memory.rule === old.rule)?.memory;
    const isDecided = old.state === "requested" && (now?.state === "granted" || now?.state === "refused");
    return now && isDecided ? { ...now, told: false } : old;
  });
}

/** An event as it is named in the evidence of the note that told of it. */
export function eventName({ kind, rule, marker, answer, what }: GateEvent): string {
  return ["gate", rule, kind, marker, ...(answer ? [answer.id] : []), ...(what === undefined ? [] : [what])].join("/");
}

/**
 * What goes back without asking is told once. A round that nobody was asked in remembers that; until it is remembered,
 * as after a crash, the note that tells of it is found by the name of its event.
 */
function goByItself({ decision: { rollback }, judged, nowMs }: GatePlanInput, plan: GatePlan): void {
  if (!rollback?.automatic || judged.some(({ memory }) => memory.automatic && memory.rule === rollback.rule)) return;
  const { rule, evidence } = rollback;
  const at = instant(nowMs);
  plan.events.push({ kind: "automatic", rule, marker: "" });
  plan.memory.push({
    ...{ rule, bindsDigest: "", state: "granted", marker: "", requestedAt: at, expiresAt: at, groups: [], people: [] },
    ...{
      need: "any",
      fallback: false,
      seen: "",
      requester: "",
      stood: [],
      present: {},
      doors: [],
      undone: 0,
      answers: [],
      told: true,
    },
    ...{ evidence, automatic: true },
  });
}

function followUp(judged: JudgedGate, input: GatePlanInput, stopped: boolean, plan: GatePlan): void {
  const { memory, half } = judged;
  if (memory.automatic) {
    if (!isAnew(input.ticket)) plan.memory.push(memory);
    return;
  }
  const old = input.before.find(({ marker, rule }) => marker === memory.marker && rule === memory.rule);
  const gate = input.decision.gates.find(({ rule }) => rule === memory.rule);
  const event = (kind: GateEvent["kind"], more: Partial<GateEvent> = {}): void => {
    plan.events.push({ kind, rule: memory.rule, marker: memory.marker, ...more });
  };
  for (const answer of memory.answers)
    if (answer.refused !== null && !wasSeen(answer, old)) event("answer_refused", { answer });
  const waited = old?.state === "requested" || half;
  // Where nothing may be written nothing is taken back, so nothing is void yet; what people answered is on record.
  if (input.mode !== "act") {
    // What was asked and told nobody yet stays in doubt, or nobody would ever be told.
    if (!old && half) return;
    const isNew = old?.state === "requested" && (memory.state === "granted" || memory.state === "refused");
    if (isNew) ended(memory, old, event);
    // That its time is over is taken up once something may be done about it.
    const left: GateMemory = memory.state === "expired" ? { ...memory, state: old?.state ?? "requested" } : memory;
    // What comes about while nobody can be asked is nobody's side door.
    const stood = gate && memory.state === "void" ? [...new Set([...memory.stood, ...gate.stands])] : memory.stood;
    plan.memory.push({ ...left, stood });
    return;
  }
  // Of a rule that does not ask any more nothing is remembered, or it would accuse somebody later.
  if (!gate && memory.state === "void") return;
  const isVoid = !stopped && memory.state !== "void" && isOver(memory, gate, input.ticket);
  if (isVoid || (judged.stranded && !stopped)) {
    // A no, or that nobody answered, is told though it decides nothing any more; of a yes, that it is void.
    if (memory.state !== "granted") ended(memory, old, event);
    if (memory.state === "requested" || memory.state === "granted") event(judged.stranded ? "gone" : "void");
    if (waited) plan.cancels.push(memory);
    if (gate && gate.passed.length > 0) event("side_door", { what: passedText(gate) });
    if (gate) plan.memory.push({ ...memory, state: "void" });
    return;
  }
  ended(memory, old, event);
  // Nobody is to answer in vain.
  if (memory.state !== "requested" && memory.state !== "void" && (waited || !memory.told)) plan.cancels.push(memory);
  if (memory.state === "expired" && gate) plan.park ??= expiredText(gate);
  const left = gate ? closeDoors(judged, gate, input, { plan, event }) : memory;
  // What stands under a grant came about by right, whatever is edited afterwards.
  const stood = left.state === "granted" && gate ? { stood: [...new Set([...left.stood, ...gate.stands])] } : {};
  plan.memory.push(left.state === "requested" ? left : { ...left, ...stood, told: true });
}

/** Tells of an end that was not known before, or not told of, with those whose answers brought it about. */
function ended(
  memory: GateMemory,
  old: GateMemory | undefined,
  event: (kind: GateEvent["kind"], more: Partial<GateEvent>) => void,
): void {
  const { state } = memory;
  const fresh = state !== (old?.state ?? "requested");
  const untold = (state === "granted" || state === "refused") && !memory.told;
  if (!fresh && !untold) return;
  const decision = state === "refused" ? "rejected" : "approved";
  const decided = memory.answers.filter((answer) => answer.refused === null && answer.decision === decision);
  const by = decided.map((answer) => answer.by);
  event(state === "void" ? "void" : endOf(state), { by, ...(!fresh && { recorded: true }) });
}

function endOf(state: "requested" | "granted" | "refused" | "expired"): GateEvent["kind"] {
  return state === "requested" ? "asked" : state;
}

function isOver(memory: GateMemory, gate: Gate | undefined, { status }: Pick<Ticket, "status">): boolean {
  if (!gate || gate.state === "needed") return true;
  return memory.state === "requested" && isEnded(gate, status) && gate.passed.length === 0;
}

/** Whether there is nothing left to approve: what was closed can still go back. */
function isEnded({ before }: Gate, status: Ticket["status"]): boolean {
  return before.includes("rollback") ? status === "canceled" : ENDED.has(status);
}

const ENDED: ReadonlySet<Ticket["status"]> = new Set(["resolved", "closed", "canceled"]);

function isToAsk(gate: Gate, { ticket, judged }: GatePlanInput): boolean {
  // A change that is still being written is not asked about: what it says will change.
  const isOpen = !isEnded(gate, ticket.status) || gate.passed.length > 0;
  if (gate.state === "needed") return isOpen && ticket.status !== "canceled" && !isDraft(ticket);
  return gate.state === "requested" && judged.some(({ memory, half }) => half && memory.rule === gate.rule);
}

function isDraft({ kind, status }: Pick<Ticket, "kind" | "status">): boolean {
  return kind === "change" && status === "new";
}

/** Adds the request; answers the gate where its approvers are not known yet. */
function askFor(gate: Gate, { judged, canAsk, who }: GatePlanInput, plan: GatePlan): Gate[] {
  if (!canAsk) return [];
  const half = judged.find((each) => each.half && each.memory.rule === gate.rule)?.memory;
  if (half && gate.state === "requested") {
    const { groups, people, need, fallback } = half;
    if (half.undone >= REOPENS_MAX) plan.park = sideDoorPark(`its request was deleted ${REOPENS_MAX} times`, gate);
    else plan.asks.push({ gate, who: { groups, people, need, fallback }, half, undone: half.undone + 1 });
    return [];
  }
  const found = who.get(gate.rule);
  if (!found) return [gate];
  if ("nobody" in found) {
    plan.park = { reason: "no_approver", detail: `${found.nobody} (rule ${gate.rule})` };
    return [];
  }
  // What was asked in vain of the same people is asked again, and not for ever.
  const stranded = judged.find((each) => each.stranded && each.memory.rule === gate.rule)?.memory;
  const undone = stranded ? stranded.undone + 1 : 0;
  if (undone > REOPENS_MAX) plan.park = sideDoorPark(`it was asked ${REOPENS_MAX} times in vain`, gate);
  else plan.asks.push({ gate, who: found, half: undefined, undone });
  return [];
}

function noQueue(gates: readonly Gate[]): { reason: string; detail: string } {
  const rules = gates.map(({ rule }) => rule).join(", ");
  const detail = `${rules} must be approved, and this connection does not say where people approve; set approvals of the connection, then redrive`;
  return { reason: "no_approval_queue", detail };
}

function expiredText({ rule }: Gate): { reason: string; detail: string } {
  const detail = `nobody who may answer did so in time, or the request was revoked (rule ${rule}); redrive it to ask again, or change what was asked for`;
  return { reason: "approval_expired", detail };
}

function wasSeen(answer: JudgedAnswer, old: GateMemory | undefined): boolean {
  return (
    old?.answers.some(
      ({ id, decision, refused }) => id === answer.id && decision === answer.decision && refused === answer.refused,
    ) ?? false
  );
}
