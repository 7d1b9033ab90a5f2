import fc from "fast-check";
import type { Draft } from "../../../core/ledger/entry.ts";

export const START: Draft = {
  kind: "start",
  ticket: null,
  body: { version: "0.1.0", mode: "act", policyVersion: "0123456789abcdef", worker: "w1" },
};
export const SIGNAL: Draft = {
  kind: "signal",
  ticket: "snow/incident/1",
  body: { connection: "snow", cause: "webhook", deliveryId: "d-1", bodyDigest: null },
};
export const DECISION: Draft = {
  kind: "decision",
  ticket: "snow/incident/1",
  body: {
    id: "abc",
    key: "INC1",
    revision: "4",
    mode: "act",
    policyVersion: "0123456789abcdef",
    inputsDigest: "ff",
    because: ["network"],
    set: { assignmentGroup: "Network", priority: 2 },
    holds: [{ rule: "network", reason: "r" }],
  },
};
export const GATE: Draft = {
  kind: "gate",
  ticket: "snow/incident/1",
  body: {
    ...{ event: "granted", rule: "security", marker: "[il:g1]", bindsDigest: "ff", answerId: "row-1", by: "ann" },
    at: "2026-03-02T09:00:00.000Z",
    reason: "",
  },
};
export const ACTION: Draft = {
  kind: "action",
  ticket: "snow/incident/1",
  body: {
    id: "a1",
    kind: "set",
    field: "assignmentGroup",
    before: "",
    after: "Network",
    because: ["network"],
    decisionId: "abc",
    marker: "",
  },
};
export const RECEIPT: Draft = {
  kind: "receipt",
  ticket: "snow/incident/1",
  body: { actionId: "a1", outcome: "applied", detail: "" },
};
export const PARKED: Draft = { kind: "parked", ticket: "snow/incident/1", body: { reason: "drift", detail: "d" } };
export const CHECK: Draft = {
  kind: "check",
  ticket: "snow/change/1",
  body: { name: "smoke", passed: false, by: "api" },
};
export const CONFIG: Draft = {
  kind: "config",
  ticket: null,
  body: {
    before: "aaaa",
    policyVersion: "bbbb",
    mode: "act",
    changes: ["routing/network was changed"],
    changed: 1,
    files: ["config/policy/routing.yaml (owner 0, group 0, mode 644)"],
  },
};
export const REDRIVE: Draft = { kind: "redrive", ticket: "snow/incident/1", body: { by: "admin" } };
export const STOP: Draft = { kind: "stop", ticket: null, body: { worker: "w1", released: 0 } };
export const SWEEP: Draft = {
  kind: "sweep",
  ticket: null,
  body: {
    connection: "snow",
    recordType: "incident",
    since: "2026-03-02T08:58:00.000Z",
    changed: 3,
    signalled: 1,
    complete: true,
  },
};
export const IDENTITY: Draft = {
  kind: "identity",
  ticket: null,
  body: { connection: "snow", event: "pinned", pinned: "i-1", seen: "i-1", by: "server" },
};
export const ADVICE: Draft = {
  kind: "advice",
  ticket: "snow/incident/1",
  body: {
    step: "classify",
    question: "0".repeat(64),
    tried: [
      { provider: "local", model: "abc", outcome: "unsure" },
      { provider: "claude", model: "claude-haiku", outcome: "used" },
    ],
    labels: { category: { label: "network", by: "claude:claude-haiku", boundBp: 310 } },
    promptVersion: "classify-1",
    costMicros: 1_234,
  },
};
export const OUTCOME: Draft = {
  kind: "outcome",
  ticket: "snow/incident/1",
  body: {
    ...{ field: "category", label: "network", by: "local:abc", automatic: true, audited: false, targetBp: 500 },
    ...{ final: "email", correct: false },
  },
};
export const DEMOTION: Draft = {
  kind: "demotion",
  ticket: null,
  body: {
    ...{ by: "local:abc", field: "category", label: "network", since: "2026-03-02T09:00:00.000Z" },
    ...{ tickets: 40, errors: 9, targetBp: 500 },
  },
};

export const REVOKE: Draft = {
  kind: "revoke",
  ticket: null,
  body: {
    ...{ id: "0123456789abcdef", action: null, rule: "network", decision: null, connection: "snow" },
    ...{ since: "2026-03-02T09:00:00.000Z", until: null, actions: 2, tickets: 1, by: "ann", reason: "a wrong rule" },
  },
};
export const REVOKED_ENDS: Draft = {
  kind: "revoked",
  ticket: "snow/incident/1",
  body: {
    revocation: "0123456789abcdef",
    ends: [
      { actionId: "a1", state: "restored", reason: "" },
      { actionId: "a2", state: "kept", reason: "somebody has changed it since" },
    ],
  },
};
export const LOWERED: Draft = {
  kind: "mode",
  ticket: null,
  body: { connection: null, mode: "observe", configured: "act", by: "api" },
};

export const CLOCK: Draft = { kind: "clock", ticket: null, body: { worker: "w1", jumpMs: -3_600_000 } };
export const KEY: Draft = {
  kind: "key",
  ticket: null,
  body: { keyId: "0123456789abcdef", publicKey: "MCowBQYDK2VwAyEA", previous: null },
};
export const DROPPED: Draft = {
  kind: "dropped",
  ticket: null,
  body: { why: "retention", by: "admin", upTo: 7, kinds: ["signal"], seqs: [], count: 3 },
};

/** Salts that are told apart and known beforehand. */
export function countedSalts(made = 0): () => string {
  let count = made;
  return () => {
    count += 1;
    return count.toString(16).padStart(32, "0");
  };
}

/** One of every kind. */
export const DRAFTS: readonly Draft[] = [
  START,
  SIGNAL,
  DECISION,
  ACTION,
  GATE,
  RECEIPT,
  PARKED,
  CHECK,
  REDRIVE,
  CONFIG,
  STOP,
  SWEEP,
  IDENTITY,
  ADVICE,
  OUTCOME,
  DEMOTION,
  REVOKE,
  REVOKED_ENDS,
  LOWERED,
  CLOCK,
  KEY,
  DROPPED,
];

export const anyDraft: fc.Arbitrary<Draft> = fc.oneof(
  fc.constantFrom(...DRAFTS),
  fc
    .record({ reason: fc.string({ unit: "binary", maxLength: 50 }), detail: fc.string({ maxLength: 50 }) })
    .map((body): Draft => ({ kind: "parked", ticket: "jira/issue/1", body })),
);
