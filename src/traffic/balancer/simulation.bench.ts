// What every policy does to the slowest requests, in simulated fleets: `npx vitest bench --run src/traffic/balancer`.
// Prints figures and judges none; the same on every machine.
import { test } from 'vitest';
import { type PolicyConfig, policies } from './index.ts';
import { scenarios } from './testing/scenarios.ts';
import { quantile, type Scenario, simulate } from './testing/simulator.ts';

const configs: readonly PolicyConfig[] = [
  policies.round_robin.parse({}),
  policies.random.parse({}),
  policies.least_request.parse({ choices: 2 }),
  policies.least_request.parse({ choices: 0 }),
  policies.peak_ewma.parse({}),
  policies.prequal.parse({}),
];

const columns = ['policy', 'p50 ms', 'p99 ms', 'p99.9 ms', 'answered', 'failed', 'odd one'];

test.for(Object.entries<Scenario>(scenarios))('%s', { timeout: 120_000 }, ([name, scenario]) => {
  const rows = configs.map((config) => {
    const result = simulate(config, scenario);
    const given = result.given.reduce((sum, count) => sum + count, 0);
    const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => quantile(result, share).toFixed(1));
    const odd = `${((100 * (result.given.at(-1) ?? 0)) / given).toFixed(2)}%`;
    const label = 'choices' in config ? `${config.type} ${config.choices}` : config.type;
    return [label, p50, p99, p999, result.answered, result.failed, odd].join(' | ');
  });
  process.stdout.write(`\n${name}\n${[columns.join(' | '), ...rows].join('\n')}\n`);
});
