import { expect } from "chai";
import fc from "fast-check";
import { crossFitted, foldsOf } from "../../../../core/advice/calibration/folds.ts";

const someKeys = fc.array(fc.string({ maxLength: 5 }), { maxLength: 60 });

describe("the parts of a cross-fit", () => {
  it("are of the same size, keep equal keys together, and do not hang on the order", () => {
    fc.assert(
      fc.property(someKeys, fc.integer({ min: 1, max: 10 }), fc.nat(), (keys, count, seed) => {
        const folds = foldsOf(keys, { count, seed });
        const foldOf = new Map(keys.map((key, at) => [key, folds[at]]));
        expect(keys.map((key) => foldOf.get(key))).to.deep.equal(folds);
        expect(foldsOf([...keys].reverse(), { count, seed }).reverse()).to.deep.equal(folds);
        const sizes = Array.from(
          { length: count },
          (_, fold) => [...foldOf.values()].filter((each) => each === fold).length,
        );
        expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1);
      }),
    );
  });

  it("are others with another seed", () => {
    const keys = Array.from({ length: 100 }, (_, at) => `ticket ${at}`);
    expect(foldsOf(keys, { count: 5, seed: 1 })).not.to.deep.equal(foldsOf(keys, { count: 5, seed: 2 }));
  });
});

describe("a cross-fit", () => {
  it("judges every item once, by a model that saw all others of other parts and none of its own", () => {
    const keys = Array.from({ length: 23 }, (_, at) => `ticket ${at % 20}`);
    const folds = foldsOf(keys, { count: 5, seed: 1 });
    const judged: number[] = [];
    const answers = crossFitted(keys, folds, (known, unseen) => {
      expect(known.length + unseen.length).to.equal(keys.length);
      expect(known.filter((key) => unseen.includes(key))).to.deep.equal([]);
      judged.push(unseen.length);
      return unseen.map((label) => ({ label, score: known.length, correct: true }));
    });
    expect(judged).to.have.length(5);
    expect(answers.map(({ label }) => label).sort()).to.deep.equal([...keys].sort());
  });

  it("of nothing asks nobody", () => {
    expect(crossFitted([], [], () => expect.fail("there is nothing to judge"))).to.deep.equal([]);
  });
});
