// What a pick costs, policy by policy: `npx vitest bench src/traffic/balancer`.
// Prints figures and judges none.
import { test } from 'vitest';
import { createBalancer, type PolicyConfig } from './index.ts';
import { FakeTarget, request, seededRandom } from './policy.contract.ts';

const configs: readonly PolicyConfig[] = [
  { type: 'round_robin' },
  { type: 'weighted_round_robin' },
  { type: 'least_request', choices: 2 },
  { type: 'least_request', choices: 0 },
  { type: 'random' },
  { type: 'ip_hash' },
];

for (const count of [3, 100]) {
  test(`1,000 picks among ${count} targets`, async ({ bench }) => {
    for (const config of configs) {
      const targets = Array.from({ length: count }, (_, index) => new FakeTarget(index, 1 + (index % 3)));
      const picker = createBalancer<FakeTarget>(config, { random: seededRandom() }).update(targets);
      const input = request();
      await bench(JSON.stringify(config), () => {
        for (let round = 0; round < 1000; round++) picker.pick(input);
      }).run();
    }
  });
}
