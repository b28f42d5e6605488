// Golden tests of Gateways and their routes: every testdata/NAME.in.yaml yields testdata/NAME.out.yaml.
// After a wanted change, `vitest run src/traffic/model/gateway -u` rewrites the outputs; read the diff.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { objectsIn, readAuthorities, readCertificate } from './testing.ts';
import { type GatewayPart, translateGateways } from './translate-gateways.ts';

const folder = join(import.meta.dirname, 'testdata');

function printed(part: GatewayPart): Record<string, unknown> {
  const statuses = part.statusesOf(new Map()).map((status) => {
    const { kind, key, ...told } = status;
    // Of the class the features are the same everywhere.
    return [`${kind} ${key}`, kind === 'GatewayClass' ? { conditions: status.status.conditions } : told];
  });
  const certificates = [...part.certificates].map(([name, { hostnames, listeners, fingerprint }]) => [
    name,
    { hostnames, listeners, fingerprint },
  ]);
  return {
    listeners: Object.fromEntries(part.listeners),
    virtualHosts: Object.fromEntries(part.virtualHosts),
    certificates: Object.fromEntries(certificates),
    variants: Object.fromEntries(part.variants),
    statuses: Object.fromEntries(statuses),
  };
}

describe('translation of Gateways', () => {
  it.each(readdirSync(folder).filter((file) => file.endsWith('.in.yaml')))('of %s', async (input) => {
    const objects = objectsIn(join(folder, input));
    const part = translateGateways(objects, { readCertificate, readAuthorities });
    const policies = (objects.policies?.views ?? []).map(({ key, claims }) => [key, claims]);
    const filled = Object.entries({ ...printed(part), policies: Object.fromEntries(policies) }).filter(
      ([, value]) => Object.keys(value as object).length > 0,
    );
    const output = stringify(Object.fromEntries(filled), { lineWidth: 0, aliasDuplicateObjects: false });
    await expect(output).toMatchFileSnapshot(join(folder, input.replace('.in.yaml', '.out.yaml')));
  });
});
