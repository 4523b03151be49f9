import { defaultModel } from './default-model.js';
import { learnedFromSynthesis } from './synthetic.testkit.js';

test('the model that ships is what is learned from made-up people, whichever they are', async () => {
  const { parameters } = await learnedFromSynthesis(77, 3000);
  parameters.m.forEach((row, at) =>
    row.forEach((value, stands) => {
      expect(Math.abs(value - (defaultModel.parameters.m[at]?.[stands] as number))).toBeLessThan(0.06);
    }),
  );
  const plainDifference = parameters.u.map((row) => row.at(-1) as number);
  plainDifference.forEach((value, at) => {
    expect(Math.abs(value - (defaultModel.parameters.u[at]?.at(-1) as number))).toBeLessThan(0.03);
  });
}, 60_000);
