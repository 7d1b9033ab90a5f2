import { expect } from "chai";
import { StoreUnavailableError } from "../../../core/errors.ts";
import { type Accepted, type Intake, startIntake } from "../../../core/intake/intake.ts";
import { Limits } from "../../../core/limits.ts";
import type { NewSignal } from "../../../core/store/store.ts";

function signal(deliveryId: string): NewSignal {
  const target = { type: "incident", recordId: deliveryId };
  return { connection: "snow", cause: "webhook", deliveryId, bodyDigest: null, receivedAtMs: 0, target };
}

/** A commit that ends when the test says so. */
interface Commit {
  ids: string[];
  settleMs: number;
  answer(outcomes?: Accepted[]): void;
  fail(error: Error): void;
}

/** A store whose commits are under way until they are told how to end. */
class HeldStore {
  readonly commits: Commit[] = [];
  #waiting: (() => void) | undefined;

  accept(signals: readonly NewSignal[], settleMs: number): Promise<Accepted[]> {
    const ids = signals.map(({ deliveryId }) => deliveryId ?? "");
    return new Promise((resolve, reject) => {
      const answer = (outcomes?: Accepted[]): void => resolve(outcomes ?? ids.map(() => "accepted"));
      this.commits.push({ ids, settleMs, answer, fail: reject });
      this.#waiting?.();
    });
  }

  /** The commit with this number, counted from 0, once it has begun. */
  async commit(number: number): Promise<Commit> {
    for (;;) {
      const found = this.commits[number];
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }
}

interface Rig {
  store: HeldStore;
  intake: Intake;
  submit(...ids: string[]): Promise<Accepted | Error>[];
  wakes: () => number;
}

function rig(limits: Partial<Limits> = {}): Rig {
  const store = new HeldStore();
  let wakes = 0;
  const intake = startIntake(store, { ...Limits.parse({}), ...limits }, () => {
    wakes += 1;
  });
  const submit = (...ids: string[]): Promise<Accepted | Error>[] =>
    ids.map((id) => intake.submit(signal(id)).catch((error: Error) => error));
  return { store, intake, submit, wakes: () => wakes };
}

/** Lets everything run that has no reason to wait. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("intake", () => {
  it("answers after the commit, not before", async () => {
    const { store, submit } = rig();
    let answered = false;
    const [answer] = submit("a");
    answer?.then(() => {
      answered = true;
    });
    const commit = await store.commit(0);
    await idle();
    expect(answered).to.equal(false);
    commit.answer();
    expect(await answer).to.equal("accepted");
  });

  it("batching: all that wait while two commits are under way share the next one", async () => {
    const { store, submit } = rig();
    const first = submit("a", "b");
    expect((await store.commit(0)).ids).to.deep.equal(["a", "b"]);
    const second = submit("c");
    expect((await store.commit(1)).ids).to.deep.equal(["c"]);
    const third = [...submit("d"), ...submit("e"), ...submit("f")];
    await idle();
    expect(store.commits, "two commits at a time").to.have.length(2);
    store.commits[0]?.answer();
    const next = await store.commit(2);
    expect(next.ids).to.deep.equal(["d", "e", "f"]);
    store.commits[1]?.answer();
    next.answer();
    expect(await Promise.all([...first, ...second, ...third])).to.deep.equal(Array(6).fill("accepted"));
    expect(store.commits).to.have.length(3);
  });

  it("batching: a commit takes intakeBatchMax and leaves the rest to the next", async () => {
    const { store, submit } = rig({ intakeBatchMax: 2 });
    const answers = submit("a", "b", "c", "d", "e");
    for (const [number, ids] of [["a", "b"], ["c", "d"], ["e"]].entries()) {
      const commit = await store.commit(number);
      expect(commit.ids).to.deep.equal(ids);
      commit.answer();
    }
    expect(await Promise.all(answers)).to.deep.equal(Array(5).fill("accepted"));
  });

  it("order of answers: each delivery gets its own", async () => {
    const { store, submit } = rig();
    const answers = submit("a", "b", "c", "d");
    (await store.commit(0)).answer(["accepted", "duplicate", "duplicate", "accepted"]);
    expect(await Promise.all(answers)).to.deep.equal(["accepted", "duplicate", "duplicate", "accepted"]);
  });

  it("passes on how long a hint rests", async () => {
    const { store, submit } = rig({ settleMs: 123 });
    submit("a");
    expect((await store.commit(0)).settleMs).to.equal(123);
  });

  it("StoreUnavailableError: rejects the whole batch, and goes on with the next", async () => {
    const { store, submit, wakes } = rig();
    const lost = submit("a", "b", "c");
    const error = new StoreUnavailableError("disk full");
    const commit = await store.commit(0);
    const kept = submit("d");
    commit.fail(error);
    expect(await Promise.all(lost)).to.deep.equal([error, error, error]);
    expect(wakes(), "nothing new").to.equal(0);
    (await store.commit(1)).answer();
    expect(await kept[0]).to.equal("accepted");
    expect(wakes()).to.equal(1);
  });

  it("starts again after it has been idle, and after a failure", async () => {
    const { store, submit } = rig();
    const [first] = submit("a");
    (await store.commit(0)).answer();
    await first;
    await idle();
    const [second] = submit("b");
    (await store.commit(1)).fail(new Error("x"));
    expect(await second).to.be.instanceOf(Error);
    await idle();
    const [third] = submit("c");
    (await store.commit(2)).answer();
    expect(await third).to.equal("accepted");
  });

  it("a store that answers for fewer than it was given is an error of those it left out", async () => {
    const { store, submit } = rig();
    const answers = submit("a", "b");
    (await store.commit(0)).answer(["accepted"]);
    expect(await answers[0]).to.equal("accepted");
    expect(await answers[1]).to.be.instanceOf(Error);
  });

  it("wakes the loop once for a commit that brought something new, and not for duplicates", async () => {
    const { store, submit, wakes } = rig();
    const news = submit("a", "b");
    (await store.commit(0)).answer(["accepted", "duplicate"]);
    await Promise.all(news);
    expect(wakes()).to.equal(1);
    const old = submit("a", "b");
    (await store.commit(1)).answer(["duplicate", "duplicate"]);
    await Promise.all(old);
    expect(wakes()).to.equal(1);
  });

  it("a waker that fails takes nobody's answer away", async () => {
    const store = new HeldStore();
    const intake = startIntake(store, Limits.parse({}), () => {
      throw new Error("the loop is gone");
    });
    const answer = intake.submit(signal("a"));
    (await store.commit(0)).answer();
    expect(await answer).to.equal("accepted");
  });

  it("queue limit: what comes beyond it is rejected at once, and what waits is kept", async () => {
    const { store, submit } = rig({ intakeQueueMax: 2, intakeBatchMax: 2 });
    submit("under way");
    const commit = await store.commit(0);
    const waiting = submit("a", "b");
    const [refused] = submit("c");
    expect(await refused).to.be.instanceOf(StoreUnavailableError);
    commit.answer();
    const next = await store.commit(1);
    expect(next.ids).to.deep.equal(["a", "b"]);
    next.answer();
    expect(await Promise.all(waiting)).to.deep.equal(["accepted", "accepted"]);
  });

  it("close: waits for what was submitted, and takes nothing more", async () => {
    const { store, intake, submit } = rig({ intakeBatchMax: 1 });
    const answers = submit("a", "b");
    const commit = await store.commit(0);
    let closed = false;
    const closing = intake.close().then(() => {
      closed = true;
    });
    const [late] = submit("c");
    expect(await late).to.be.instanceOf(StoreUnavailableError);
    commit.answer();
    const last = await store.commit(1);
    await idle();
    expect(closed, "b is not committed yet").to.equal(false);
    last.answer();
    await closing;
    expect(await Promise.all(answers)).to.deep.equal(["accepted", "accepted"]);
    expect(store.commits).to.have.length(2);
  });

  it("close: of an idle intake is done at once, and may be asked for twice", async () => {
    const { intake } = rig();
    await intake.close();
    await intake.close();
  });
});
