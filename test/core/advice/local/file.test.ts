import { expect } from "chai";
import fc from "fast-check";
import { MODEL_BYTES_MAX, MODEL_FAULTS, openSealed, sealModel } from "../../../../core/advice/local/file.ts";
import { openClassify } from "../../../../core/advice/local/model.ts";
import { openOutcome } from "../../../../core/advice/local/outcome.ts";
import { madeUpTickets, trained } from "./tickets.ts";

/** What a file is refused as; undefined where it is taken. */
function faultOf(bytes: Uint8Array): string | undefined {
  const found = openClassify(bytes);
  return "fault" in found ? found.fault : undefined;
}

describe("a model file that does not hold", () => {
  let file: Uint8Array;
  let header: Record<string, unknown>;
  let payload: Uint8Array;
  before(async () => {
    file = (await trained(madeUpTickets(60), { percent: 20 })).file ?? new Uint8Array();
    const sealed = openSealed(file, "classify");
    if ("fault" in sealed) throw new Error(sealed.message);
    header = sealed.header as Record<string, unknown>; // checked by the round trip below
    payload = sealed.payload;
    expect(sealModel("classify", header, payload)).to.deep.equal(file);
  });

  const resealed = (changed: Record<string, unknown>, its = payload): string | undefined =>
    faultOf(sealModel("classify", { ...header, ...changed }, its));
  const rewritten = (from: string, to: string): Uint8Array =>
    Buffer.from(Buffer.from(file).toString("latin1").replace(from, to), "latin1");

  it("foreign: anything else, and a model of another kind", () => {
    for (const bytes of [
      "",
      "\n",
      "{}",
      "PK\u0003\u0004",
      "interlock-model",
      "interlock-model 1 classify 0 \n",
      "a".repeat(500),
    ])
      expect(faultOf(Buffer.from(bytes)), bytes).to.equal("foreign");
    expect(faultOf(sealModel("outcome", header, payload))).to.equal("foreign");
    expect(openOutcome(file)).to.deep.include({ fault: "foreign" });
  });

  it("other_version: another format, or features that this version reads otherwise", () => {
    expect(faultOf(rewritten("interlock-model 1 ", "interlock-model 2 "))).to.equal("other_version");
    expect(faultOf(rewritten("interlock-model 1 classify", "interlock-model 3 anything"))).to.equal("other_version");
    const features = header["features"] as Record<string, unknown>; // as ClassifyHeader says
    expect(resealed({ features: { ...features, scheme: "ngrams-2" } })).to.equal("other_version");
    expect(resealed({ features: { ...features, charactersMax: 6 } })).to.equal("other_version");
  });

  it("too_large: no model is that large", () => {
    expect(faultOf(Buffer.alloc(MODEL_BYTES_MAX + 1))).to.equal("too_large");
  });

  it("cut: it ends too early, wherever", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: file.length }), (missing) => {
        expect(faultOf(file.subarray(0, file.length - missing))).to.be.oneOf(["cut", "foreign"]);
      }),
    );
    expect(faultOf(file.subarray(0, file.length - 1))).to.equal("cut");
  });

  it("corrupt: a byte has changed, or one too many is there", () => {
    expect(faultOf(Buffer.concat([file, Buffer.from("\n")]))).to.equal("corrupt");
    const start = Buffer.from(file).indexOf("\n") + 1;
    fc.assert(
      fc.property(fc.integer({ min: start, max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(file);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(faultOf(changed)).to.equal("corrupt");
      }),
    );
  });

  it("is refused with every byte of its first line changed, and with every bit of its header", () => {
    const lines = Buffer.from(file).indexOf(payload) > 0 ? file.length - payload.length : 0;
    expect(lines).to.be.above(300);
    for (let at = 0; at < lines; at++) {
      const changed = Uint8Array.from(file);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      expect(faultOf(changed), `byte ${at}`).to.be.oneOf([...MODEL_FAULTS]);
    }
  });

  it("invalid: every field of the header is held against the others and the weights", () => {
    expect(resealed({})).to.equal(undefined);
    for (const field of Object.keys(header)) {
      expect(resealed({ [field]: undefined }), `without ${field}`).to.equal("invalid");
      for (const wrong of [null, -1, 1.5, "x", [], {}, 1e300]) {
        if (JSON.stringify(wrong) === JSON.stringify(header[field])) continue;
        expect(resealed({ [field]: wrong }), `${field} ${JSON.stringify(wrong)}`).to.equal("invalid");
      }
    }
    const [head, other] = header["heads"] as [Record<string, unknown>, Record<string, unknown>]; // as ClassifyHeader says
    const labels = head["labels"] as { label: string }[];
    const wrongHeads: unknown[][] = [
      [head],
      [head, other, other],
      [head, head],
      [other, { ...head, field: "urgency" }],
      [head, { ...other, labels: [...labels, { label: "one more", tickets: 1 }] }],
      [head, { ...other, labels: labels.map((each) => ({ ...each, label: "same" })) }],
      [head, { ...other, extra: 1 }],
    ];
    for (const heads of wrongHeads) expect(resealed({ heads }), JSON.stringify(heads)).to.equal("invalid");
    expect(resealed({ more: 1 })).to.equal("invalid");
    expect(resealed({ vocabulary: (header["vocabulary"] as number) + 1 })).to.equal("invalid");
    expect(resealed({ vocabularyTexts: 1 })).to.equal("invalid");
    expect(faultOf(sealModel("classify", "no header", payload))).to.equal("invalid");
    expect(resealed({}, payload.subarray(1))).to.equal("invalid");
  });

  it("invalid: weights that are no numbers, and a vocabulary out of order", () => {
    const places = header["vocabulary"] as number;
    const broken = (change: (view: DataView) => void): string | undefined => {
      const bytes = Uint8Array.from(payload);
      change(new DataView(bytes.buffer));
      return resealed({}, bytes);
    };
    expect(broken((view) => view.setUint32(0, 2 ** 31, true))).to.equal("invalid");
    expect(broken((view) => view.setUint32(4, view.getUint32(0, true), true))).to.equal("invalid");
    expect(broken((view) => view.setUint32(4 * places, 0, true))).to.equal("invalid");
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e9])
      expect(
        broken((view) => view.setFloat64(8 * places, value, true)),
        String(value),
      ).to.equal("invalid");
  });

  it("never makes more than a refusal of what it is, with what to do", () => {
    const first = fc.constantFrom("interlock-model 1 classify ", "interlock-model 2 classify ", "interlock-model ", "");
    fc.assert(
      fc.property(first, fc.uint8Array({ maxLength: 300 }), (start, bytes) => {
        const found = openClassify(Buffer.concat([Buffer.from(start), bytes]));
        expect("fault" in found && found.message.length > 20).to.equal(true);
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 64 }), (json, bytes) => {
        expect(faultOf(sealModel("classify", json, bytes))).to.equal("invalid");
      }),
    );
  });
});
