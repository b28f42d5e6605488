// Golden tests of the translation: every testdata/NAME.in.yaml yields testdata/NAME.out.yaml.
// After a wanted change, `vitest run src/traffic/model -u` rewrites the outputs; read the diff.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Secret } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubeObject } from '#kube/api/object.ts';
import type { TrafficModel } from './ir.ts';
import type { ReadCertificate } from './secret.ts';
import { type TrafficObjects, translate } from './translate.ts';

const folder = join(import.meta.dirname, 'testdata');

/** Certificates of the test data are lines: `names: a.local b.local`, or an error. */
const readCertificate: ReadCertificate = (chain) => {
  const names = /^names:(.*)$/m.exec(chain)?.[1];
  if (names === undefined) return { error: '"tls.crt" holds no certificate' };
  return { hostnames: names.split(' ').filter((name) => name !== ''), fingerprint: `of ${chain.trim()}` };
};

/** As the API server stores it: `stringData` becomes base64 `data`. */
function stored(object: KubeObject): KubeObject {
  const { stringData, ...rest } = object as Secret;
  if (stringData === undefined) return object;
  const data = Object.entries(stringData).map(([name, text]) => [name, btoa(text)]);
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(data) } } as KubeObject;
}

function load(file: string): TrafficObjects {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS());
  const objects = documents.filter((object) => object !== null).map(stored);
  const ofKind = <T>(kind: string): T[] => objects.filter((object) => object.kind === kind) as T[];
  return {
    services: ofKind('Service'),
    endpointSlices: ofKind('EndpointSlice'),
    ingresses: ofKind('Ingress'),
    ingressClasses: ofKind('IngressClass'),
    secrets: ofKind('Secret'),
  };
}

/** The model without what is the same everywhere, so that an output shows what its input is about. */
function printed(model: TrafficModel): Record<string, unknown> {
  const clusters = [...model.clusters].map(([name, { policy, upstreamProtocol }]) => [
    name,
    { policy, upstreamProtocol },
  ]);
  return {
    virtualHosts: Object.fromEntries(model.virtualHosts),
    clusters: Object.fromEntries(clusters),
    endpoints: Object.fromEntries(model.endpoints),
    services: Object.fromEntries(model.services),
    certificates: Object.fromEntries(model.certificates),
  };
}

const inputs = readdirSync(folder).filter((file) => file.endsWith('.in.yaml'));

describe('translation', () => {
  it.each(inputs)('of %s', async (input) => {
    const { model, problems } = translate(load(join(folder, input)), [], {
      ingressClass: 'evenkeel',
      readCertificate,
    });
    const filled = Object.entries({ ...printed(model), problems }).filter(
      ([, value]) => Object.keys(value as object).length > 0,
    );
    const output = join(folder, input.replace('.in.yaml', '.out.yaml'));
    await expect(
      stringify(Object.fromEntries(filled), { lineWidth: 0, aliasDuplicateObjects: false }),
    ).toMatchFileSnapshot(output);
  });
});
