/**
 * Sends a simulator's webhooks: bounded, in the background, with or without retries.
 * Uses node:http with an agent of its own, so that closing the simulator closes every socket it opened.
 */
import { Agent, request } from "node:http";

export interface WebhookTarget {
  url: string;
  secret: string;
}

export interface SentWebhook {
  deliveryId: string;
  /** The last HTTP status; 0 when nothing answered, or when the delivery was lost on purpose. */
  status: number;
  attempts: number;
}

/** What a test sees and steers. */
export interface Webhooks {
  enabled: boolean;
  readonly sent: SentWebhook[];
  /** Deliveries waiting, in flight, or between two attempts. */
  readonly pending: number;
  /** Resolves when nothing is pending. */
  idle(): Promise<void>;
  setTarget(target: WebhookTarget | undefined): void;
  /** Called with 1, 2, 3… per delivery; true loses it before it is sent. */
  lose?: ((n: number) => boolean) | undefined;
  /** Called with 1, 2, 3… per delivery; true sends it a second time under the same id. */
  duplicate?: ((n: number) => boolean) | undefined;
}

export interface Delivery {
  deliveryId: string;
  /** Asked once, when the first attempt starts; undefined means there is nothing left to tell. */
  body(): string | undefined;
  headers(body: string, secret: string, attempt: number): Record<string, string>;
}

export interface WebhookSenderOptions {
  target: WebhookTarget | undefined;
  concurrencyMax: number;
  /** Attempts in all, the first one included. */
  attemptsMax: number;
  retryDelayMs: number;
  answerTimeoutMs: number;
}

interface Job {
  delivery: Delivery;
  attempts: number;
  body: string | undefined;
}

/** A queue with at most `concurrencyMax` posts under way; what waits for a retry holds no place. */
export class WebhookSender implements Webhooks {
  enabled = true;
  lose: ((n: number) => boolean) | undefined;
  duplicate: ((n: number) => boolean) | undefined;
  readonly sent: SentWebhook[] = [];
  readonly #options: WebhookSenderOptions;
  readonly #agent: Agent;
  readonly #timers = new Set<NodeJS.Timeout>();
  #target: WebhookTarget | undefined;
  #queue: Job[] = [];
  #idlers: (() => void)[] = [];
  #pending = 0;
  #active = 0;
  #count = 0;
  #closed = false;

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
    this.#target = options.target;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.concurrencyMax });
  }

  get pending(): number {
    return this.#pending;
  }

  /** Would a delivery go anywhere? Saves building one that would not. */
  get listening(): boolean {
    return this.enabled && this.#target !== undefined && !this.#closed;
  }

  idle(): Promise<void> {
    return this.#pending === 0 ? Promise.resolve() : new Promise((resolve) => this.#idlers.push(resolve));
  }

  setTarget(target: WebhookTarget | undefined): void {
    this.#target = target;
  }

  send(delivery: Delivery): void {
    if (!this.listening) return;
    this.#count += 1;
    if (this.lose?.(this.#count) === true) {
      this.sent.push({ deliveryId: delivery.deliveryId, status: 0, attempts: 0 });
      return;
    }
    this.#enqueue(delivery);
    if (this.duplicate?.(this.#count) === true) this.#enqueue(delivery);
  }

  /** Drops what waits and ends every socket. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#queue = [];
    this.#agent.destroy();
    this.#pending = 0;
    this.#wakeIdlers();
  }

  #enqueue(delivery: Delivery): void {
    this.#pending += 1;
    this.#queue.push({ delivery, attempts: 0, body: undefined });
    // After the current turn: like the vendors' background jobs, never inside the write that caused it.
    setImmediate(() => this.#pump());
  }

  #pump(): void {
    while (this.#active < this.#options.concurrencyMax && !this.#closed) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      if (this.#target === undefined) {
        this.#settle();
        continue;
      }
      this.#active += 1;
      void this.#attempt(job, this.#target).finally(() => {
        this.#active -= 1;
        this.#pump();
      });
    }
  }

  async #attempt(job: Job, target: WebhookTarget): Promise<void> {
    job.body ??= job.delivery.body();
    if (job.body === undefined) return this.#settle();
    job.attempts += 1;
    const headers = job.delivery.headers(job.body, target.secret, job.attempts);
    const status = await post({ url: target.url, body: job.body, headers }, this.#agent, this.#options.answerTimeoutMs);
    if (this.#closed) return;
    if (isRetryable(status) && job.attempts < this.#options.attemptsMax) return this.#retryLater(job);
    this.sent.push({ deliveryId: job.delivery.deliveryId, status, attempts: job.attempts });
    this.#settle();
  }

  #retryLater(job: Job): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#queue.push(job);
      this.#pump();
    }, this.#options.retryDelayMs);
    this.#timers.add(timer);
  }

  #settle(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#wakeIdlers();
  }

  #wakeIdlers(): void {
    const idlers = this.#idlers;
    this.#idlers = [];
    for (const wake of idlers) wake();
  }
}

/** Jira's list: no connection, a timeout, 408, 409, 425, 429 and every 5xx are tried again; other 4xx are final. */
function isRetryable(status: number): boolean {
  return status === 0 || status === 408 || status === 409 || status === 425 || status === 429 || status >= 500;
}

function post(
  { url, body, headers }: { url: string; body: string; headers: Record<string, string> },
  agent: Agent,
  timeoutMs: number,
): Promise<number> {
  return new Promise((resolve) => {
    const bytes = Buffer.from(body, "utf8");
    const call = request(url, { method: "POST", agent, headers: { ...headers, "content-length": bytes.length } });
    // A socket-level timeout: node clears it with the socket, so nothing outlives the call.
    call.setTimeout(timeoutMs, () => call.destroy(new Error("no answer in time")));
    call.on("error", () => resolve(0));
    call.on("response", (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
      answer.on("error", () => resolve(0));
    });
    call.end(bytes);
  });
}
