// What a pick, a lesson and an update cost, policy by policy: `npx vitest bench --run src/traffic/balancer/policies`.
// Prints figures and judges none.
import { test } from 'vitest';
import { createBalancer, type PolicyConfig, policies } from './index.ts';
import { FakeTarget, request, seededRandom } from './policy.contract.ts';

const configs: readonly PolicyConfig[] = [
  policies.round_robin.parse({}),
  policies.weighted_round_robin.parse({}),
  policies.least_request.parse({ choices: 2 }),
  policies.least_request.parse({ choices: 0 }),
  policies.random.parse({}),
  policies.ip_hash.parse({}),
  policies.ring_hash.parse({}),
  policies.ring_hash.parse({ hashBalanceFactor: 125 }),
  policies.maglev.parse({}),
  policies.peak_ewma.parse({}),
  policies.prequal.parse({}),
];

/** Of different clients, so that no look-up is always the same. */
const requests = Array.from({ length: 1000 }, (_, client) => request(client));

for (const count of [3, 100, 10_000]) {
  const create = (config: PolicyConfig) => {
    const targets = Array.from({ length: count }, (_, index) => new FakeTarget(index, 1 + (index % 3)));
    for (const target of targets) target.load = target.index % 7;
    const balancer = createBalancer<FakeTarget>(config, { random: seededRandom() });
    return { targets, balancer, picker: balancer.update(targets) };
  };

  test(`1,000 picks among ${count} targets`, { timeout: 120_000 }, async ({ bench }) => {
    for (const config of configs) {
      const { picker } = create(config);
      await bench(JSON.stringify(config), () => {
        for (const input of requests) picker.pick(input);
      }).run();
    }
  });

  test(`1,000 answers observed among ${count} targets`, { timeout: 120_000 }, async ({ bench }) => {
    for (const config of configs) {
      const { balancer, targets } = create(config);
      if (balancer.observe === undefined) continue;
      let now = 0;
      const outcome = { latencyMs: 5, failed: false, retryAfterMs: 0, now };
      await bench(JSON.stringify(config), () => {
        outcome.now = ++now;
        for (let answer = 0; answer < 1000; answer++) {
          const target = targets[answer % count];
          if (target !== undefined) balancer.observe?.(target, outcome);
        }
      }).run();
    }
  });

  test(`an update of ${count} targets, of which one has gone or come`, { timeout: 120_000 }, async ({ bench }) => {
    for (const config of configs) {
      const { balancer, targets } = create(config);
      const fewer = targets.slice(1);
      let all = false;
      await bench(JSON.stringify(config), () => {
        all = !all;
        balancer.update(all ? targets : fewer);
      }).run();
    }
  });
}
