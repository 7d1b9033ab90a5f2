import { generateKeyPairSync } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import { Checkpoint, signerFrom, verifierFrom, witnessesIn, witnessLine } from "../../../core/ledger/checkpoint.ts";
import { newKey, newSigner } from "./ledgers.ts";

const HEAD = { origin: "interlock-0123456789abcdef", size: 12_345, root: "1a2b3c4d5e6f7081".padEnd(64, "0") };
const AT = "2026-03-02T09:00:00.000Z";

describe("a checkpoint", () => {
  const signer = newSigner();
  const checkpoint = signer.sign(HEAD, AT);

  it("is verified with the public key of who signed it, as PEM or as an entry names it", () => {
    const pem = newKey();
    const signed = signerFrom(pem).sign(HEAD, AT);
    expect(Checkpoint.safeParse(signed).success).to.equal(true);
    expect(verifierFrom(signerFrom(pem).publicKey)?.verifies(signed)).to.equal(true);
    // A private key in PEM has its public key in it.
    expect(verifierFrom(pem)?.fingerprint).to.equal(signerFrom(pem).fingerprint);
    expect(signed.keyId).to.equal(signerFrom(pem).fingerprint.slice(0, 16));
  });

  it("is not verified after any change, or with another key", () => {
    const verifier = verifierFrom(signer.publicKey);
    const changes: Partial<Checkpoint>[] = [
      { origin: "interlock-0123456789abcdee" },
      { size: 12_346 },
      { root: "0".repeat(64) },
      { at: "2026-03-02T09:00:00.001Z" },
      { keyId: "0000000000000000" },
    ];
    expect(verifier?.verifies(checkpoint)).to.equal(true);
    for (const change of changes)
      expect(verifier?.verifies({ ...checkpoint, ...change }), JSON.stringify(change)).to.equal(false);
    expect(verifierFrom(newSigner().publicKey)?.verifies(checkpoint)).to.equal(false);
  });

  it("needs an Ed25519 key, and an error does not show what was given", () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const pem = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    for (const odd of ["", "secret", pem])
      expect(() => signerFrom(odd)).to.throw(/^the key of the ledger is not an Ed25519/);
    expect(verifierFrom("secret")).to.equal(undefined);
    expect(verifierFrom(rsa.publicKey.export({ type: "spki", format: "pem" }).toString())).to.equal(undefined);
  });
});

describe("a witness line", () => {
  it("is short, and is read back from a note", () => {
    const line = witnessLine(HEAD);
    expect(line).to.equal("ledger 12345:1a2b3c4d5e6f7081");
    const note = `Routed to Network.\nRule network. [il:a1] (${line})\n`;
    expect(witnessesIn(note)).to.deep.equal([{ size: 12_345, root: "1a2b3c4d5e6f7081" }]);
  });

  it("is read back whatever stands around it on other lines (property)", () => {
    const text = fc.string({ unit: "binary" }).map((each) => each.replaceAll("ledger", "").replaceAll("{", ""));
    fc.assert(
      fc.property(text, text, fc.integer({ min: 1, max: 2 ** 50 }), (before, after, size) => {
        const found = witnessesIn(`${before}\n${witnessLine({ ...HEAD, size })}\n${after}`);
        expect(found).to.deep.equal([{ size, root: "1a2b3c4d5e6f7081" }]);
      }),
    );
  });

  it("is not found in what only looks like one", () => {
    const odd = [
      "ledger 0:1a2b3c4d5e6f7081",
      "ledger 5:1a2b",
      "ledger 5:1a2b3c4d5e6f70811",
      "ledgers 5:1a2b3c4d5e6f7081",
    ];
    for (const text of [...odd, "xledger 5:1a2b3c4d5e6f7081", "{", "{}", "", "null"])
      expect(witnessesIn(text), text).to.deep.equal([]);
  });

  it("stands beside whole checkpoints in one file, whose last line may be cut short", () => {
    const checkpoint = newSigner().sign(HEAD, AT);
    const text = `${JSON.stringify(checkpoint)}\n${witnessLine({ ...HEAD, size: 7 })}\n${JSON.stringify(checkpoint).slice(0, 80)}`;
    expect(witnessesIn(text).map(({ size }) => size)).to.deep.equal([12_345, 7]);
    expect(witnessesIn(text)[0]).to.deep.equal(checkpoint);
  });
});
