// Golden tests of routes whose parents are Services: every testdata/NAME.in.yaml yields testdata/NAME.out.yaml.
// After a wanted change, `vitest run src/traffic/model/mesh -u` rewrites the outputs; read the diff.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { objectsIn, readAuthorities, readCertificate } from '../gateway/testing.ts';
import type { XMesh } from './objects.ts';
import { type MeshPart, translateMesh } from './translate-mesh.ts';

const folder = join(import.meta.dirname, 'testdata');

function printed({ fronts, virtualHosts, variants, groups, services, statuses }: MeshPart): Record<string, unknown> {
  return {
    fronts: Object.fromEntries([...fronts].map(([key, ports]) => [key, Object.fromEntries(ports)])),
    virtualHosts: Object.fromEntries(virtualHosts),
    variants: Object.fromEntries(variants),
    groups: [...groups],
    services: [...services].sort(),
    statuses: Object.fromEntries(
      statuses.map((status) => {
        const { kind, key, ...told } = status;
        // What the mesh can do is the same everywhere.
        return [`${kind} ${key}`, kind === 'XMesh' ? { conditions: status.status.conditions } : told];
      }),
    ),
  };
}

describe('translation of the mesh', () => {
  it.each(readdirSync(folder).filter((file) => file.endsWith('.in.yaml')))('of %s', async (input) => {
    const file = join(folder, input);
    const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((one) => one.toJS() as XMesh);
    const meshes = documents.filter(({ kind }) => kind === 'XMesh');
    const part = translateMesh({ ...objectsIn(file), meshes }, { readCertificate, readAuthorities });
    const output = stringify(printed(part), { lineWidth: 0, aliasDuplicateObjects: false });
    await expect(output).toMatchFileSnapshot(join(folder, input.replace('.in.yaml', '.out.yaml')));
  });
});
