CREATE TABLE "actions" (
  "id" text not null primary key,
  "ticket" text not null,
  "decision_id" text not null,
  "kind" text not null,
  "field" text not null,
  "before" text,
  "after" text,
  "because" text not null,
  "marker" text not null,
  "state" text not null,
  "intent_at" bigint not null,
  "receipt_at" bigint,
  "detail" text not null,
  "basis" text,
  "doubt_at" bigint
);

CREATE TABLE "answers" (
  "digest" text not null primary key,
  "step" text not null,
  "provider" text not null,
  "model" text not null,
  "prompt_version" text not null,
  "outcome" text not null,
  "cost_micros" bigint not null,
  "answered_at" bigint not null
);

CREATE TABLE "checkpoints" (
  "size" bigint not null primary key,
  "origin" text not null,
  "root" text not null,
  "at" text not null,
  "key_id" text not null,
  "signature" text not null
);

CREATE TABLE "checks" (
  "ticket" text not null,
  "name" text not null,
  "passed" integer not null,
  "at" bigint not null,
  constraint "checks_pk" primary key ("ticket", "name")
);

CREATE TABLE "demotions" (
  "by" text not null,
  "field" text not null,
  "label" text not null,
  "since" text not null,
  "tickets" integer not null,
  "errors" integer not null,
  "target_bp" integer not null,
  constraint "demotions_pk" primary key ("by", "field", "label")
);

CREATE TABLE "inputs" (
  "decision_id" text not null primary key,
  "ticket" text not null,
  "inputs" text not null,
  "decided_at" bigint not null
);

CREATE TABLE "kysely_migration" (
  "name" varchar(255) not null primary key,
  "timestamp" varchar(255) not null
);

CREATE TABLE "kysely_migration_lock" (
  "id" varchar(255) not null primary key,
  "is_locked" integer default 0 not null
);

CREATE TABLE "ledger" (
  "seq" integer not null primary key,
  "at" text not null,
  "kind" text not null,
  "ticket" text,
  "body" text not null,
  "prev" text not null,
  "hash" text not null,
  "salt" text,
  "commitment" text
);

CREATE TABLE "ledger_nodes" (
  "level" integer not null,
  "idx" bigint not null,
  "hash" text not null,
  constraint "ledger_nodes_pk" primary key ("level", "idx")
);

CREATE TABLE "modes" (
  "connection" text not null primary key,
  "mode" text not null,
  "by" text not null,
  "at" bigint not null
);

CREATE TABLE "outcomes" (
  "id" integer primary key,
  "ticket" text not null,
  "by" text not null,
  "field" text not null,
  "label" text not null,
  "final" text not null,
  "correct" integer not null,
  "automatic" integer not null,
  "audited" integer not null,
  "at" bigint not null
);

CREATE TABLE "policies" (
  "version" text not null primary key,
  "rules" text not null,
  "sources" text not null,
  "since" bigint not null
);

CREATE TABLE "revocations" (
  "id" text not null primary key,
  "selector" text not null,
  "by" text not null,
  "reason" text not null,
  "at" bigint not null
);

CREATE TABLE "revoked" (
  "action_id" text not null primary key,
  "revocation" text not null,
  "ticket" text not null,
  "state" text not null,
  "reason" text not null,
  "ended_at" bigint
);

CREATE TABLE "signals" (
  "id" integer primary key,
  "connection" text not null,
  "delivery_id" text,
  "body_digest" text,
  "ticket" text,
  "cause" text not null,
  "received_at" bigint not null
);

CREATE TABLE "spend" (
  "id" integer primary key,
  "scope" text not null,
  "span" text not null,
  "micros" bigint not null,
  "calls" bigint not null,
  "booked_at" bigint not null
);

CREATE TABLE "swept" (
  "ticket" text not null,
  "revision" text not null,
  "updated_at" bigint not null,
  "connection" text not null,
  "record_type" text not null,
  "seen_at" bigint not null,
  "found_by" text not null,
  "webhook_at" bigint,
  "signal_at" bigint,
  "signals" integer not null,
  "near_own_write" integer not null,
  constraint "swept_pk" primary key ("ticket", "revision", "updated_at")
);

CREATE TABLE "tickets" (
  "ticket" text not null primary key,
  "connection" text not null,
  "type" text not null,
  "record_id" text not null,
  "record_key" text not null,
  "revision" text not null,
  "decision_id" text not null,
  "outcome_digest" text not null,
  "decision" text not null,
  "gates" text not null,
  "fields" text not null,
  "wake_at" bigint,
  "settled_at" bigint not null,
  "skips" text default '[]' not null,
  "suggested_digest" text default '' not null,
  "advised" text default '[]' not null
);

CREATE TABLE "watermarks" (
  "connection" text not null,
  "type" text not null,
  "value" text not null,
  "updated_at" bigint not null,
  constraint "watermarks_pk" primary key ("connection", "type")
);

CREATE TABLE "work" (
  "ticket" text not null primary key,
  "connection" text not null,
  "type" text not null,
  "record_id" text not null,
  "record_key" text,
  "due_at" bigint,
  "rest_until" bigint,
  "generation" bigint not null,
  "lease_until" bigint,
  "lease_owner" text,
  "fence" bigint not null,
  "attempts" integer not null,
  "outages" integer not null,
  "parked_at" bigint,
  "parked_reason" text,
  "parked_detail" text
);

CREATE INDEX "actions_open" on "actions" ("ticket") where "state" = 'open';

CREATE INDEX "actions_ticket" on "actions" ("ticket", "intent_at");

CREATE INDEX "answers_age" on "answers" ("answered_at");

CREATE INDEX "outcomes_class" on "outcomes" ("by", "field", "label", "id");

CREATE INDEX "revoked_of" on "revoked" ("revocation", "action_id");

CREATE INDEX "revoked_ticket" on "revoked" ("ticket", "state");

CREATE UNIQUE INDEX "signals_body" on "signals" ("connection", "body_digest");

CREATE UNIQUE INDEX "signals_delivery" on "signals" ("connection", "delivery_id");

CREATE UNIQUE INDEX "spend_line" on "spend" ("scope", "span");

CREATE INDEX "swept_window" on "swept" ("connection", "record_type", "updated_at");

CREATE INDEX "tickets_key" on "tickets" ("connection", "record_key");

CREATE INDEX "work_due" on "work" ("due_at") where "due_at" is not null;

CREATE INDEX "work_key" on "work" ("connection", "record_key");

CREATE INDEX "work_parked" on "work" ("parked_at") where "parked_at" is not null;
