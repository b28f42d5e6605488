// The features that GatewayClasses list: in order, few enough, and each with its line in the documentation.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SUPPORTED_FEATURES } from './features.ts';

it('are in order of name, no more than the API holds, and told of in docs/gateway-api.md', () => {
  expect([...SUPPORTED_FEATURES].sort()).toEqual(SUPPORTED_FEATURES);
  expect(new Set(SUPPORTED_FEATURES).size).toBe(SUPPORTED_FEATURES.length);
  expect(SUPPORTED_FEATURES.length).toBeLessThanOrEqual(64);
  const text = readFileSync(join(import.meta.dirname, '../../../../docs/gateway-api.md'), 'utf8');
  const table = text.slice(text.indexOf('## Feature by feature'), text.indexOf('## Not served yet'));
  expect(SUPPORTED_FEATURES.filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
});
