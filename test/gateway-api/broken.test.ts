// A folder of broken objects beside healthy ones: kubectl says of each what is wrong, and nobody else notices.
// Knows kubectl from the outside; what is to be read of an object stands in the comment above it.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadReport } from '#app/load/report.ts';
import { createAuthority } from '#traffic/identity/authority.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { findKubectl, type Kubectl, kubectlFor } from '../support/kubectl.ts';
import { underLoad } from '../support/load.ts';
import { echoManifests } from '../support/manifests.ts';
import { addressOf, answers, gateway, httpRoute } from './kit.ts';

const folder = join(import.meta.dirname, 'broken');

interface Broken {
  readonly file: string;
  /** Undefined where the API server refuses the object. */
  readonly object: { readonly kind: string; readonly name: string } | undefined;
  readonly words: readonly string[];
}

function readBroken(file: string): Broken {
  const text = readFileSync(join(folder, file), 'utf8');
  const [, verb, kind = '', name = ''] = /^# read in: kubectl (apply|describe (\S+) (\S+))$/m.exec(text) ?? [];
  const words = [...text.matchAll(/^# {3}- (.+)$/gm)].map(([, word = '']) => word);
  if (verb === undefined || words.length === 0) throw new Error(`${file} does not say what is to be read of it`);
  return { file, object: verb === 'apply' ? undefined : { kind, name }, words };
}

const all = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map(readBroken);
const kinds = new Set(all.flatMap(({ object }) => (object === undefined ? [] : [object.kind])));

/** Errors of kubectl, each with the file that it is about. */
function refusalsIn(stderr: string): ReadonlyMap<string, string> {
  const errors = stderr.split(/^(?=Error |error: |resource mapping )/m);
  return new Map(errors.map((error) => [/[\w-]+\.yaml/.exec(error)?.[0] ?? '', error]));
}

/** One description an object, by its name, which says its kind as well; of all kinds by one process, for it costs. */
async function descriptions(kubectl: Kubectl): Promise<ReadonlyMap<string, string>> {
  const text = await kubectl(['-n', 'broken', 'describe', [...kinds].join(',')]);
  const parts = text.split(/^(?=Name: )/m);
  return new Map(parts.map((part) => [/^Name: +(\S+)/.exec(part)?.[1] ?? '', part]));
}

const isSaid = (text: string | undefined, words: readonly string[]): boolean =>
  text !== undefined && words.every((word) => text.includes(word));

const namespace = (name: string) => `\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;

async function goodSecrets(): Promise<string> {
  const authority = await createAuthority({ commonName: 'Root' });
  const { certPem, keyPem } = await authority.issue({ commonName: 'good', dnsNames: ['good.example'] });
  const data = { 'tls.crt': btoa(certPem), 'tls.key': btoa(keyPem) };
  return ['broken', 'healthy']
    .map((namespace) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'good', namespace } }))
    .map((secret) => `\n---\n${JSON.stringify({ ...secret, type: 'kubernetes.io/tls', data })}\n`)
    .join('');
}

const service = (name: string): string =>
  `\n---\napiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: broken }\nspec: { ports: [{ name: http, port: 80 }] }\n`;

const open = 'allowedRoutes: { namespaces: { from: All } }';
const LISTENERS = `
  { name: http, protocol: HTTP, port: 8080, hostname: "*.example", ${open} },
  { name: private, protocol: HTTP, port: 8081 },
  { name: tcp, protocol: TCP, port: 9000, ${open} },
  { name: udp, protocol: UDP, port: 9000, ${open} }`;
const inHealthy = (manifest: string): string =>
  manifest.replace(/metadata: \{ name/g, 'metadata: { namespace: healthy, name');

describe('broken objects', { timeout: 60_000 }, () => {
  let cluster: TestCluster | undefined;
  let refusals: ReadonlyMap<string, string> = new Map();
  let described: ReadonlyMap<string, string> = new Map();
  const reports: LoadReport[] = [];
  let missing: string | undefined;

  const tellOf = ({ file, object }: Broken): string | undefined =>
    object === undefined ? refusals.get(file) : described.get(object.name);

  beforeAll(async () => {
    const found = await findKubectl('current');
    if (!('path' in found)) {
      missing = found.missing;
      return;
    }
    const up = await startCluster(['-'], {
      args: ['--network', 'loopback'],
      input: [
        echoManifests({ name: 'web', namespace: 'healthy', host: 'healthy.example' }),
        namespace('broken'),
        await goodSecrets(),
        service('web'),
        service('other'),
        inHealthy(gateway('shop', LISTENERS, ', allowedListeners: { namespaces: { from: All } }')),
        inHealthy(gateway('closed', '{ name: http, protocol: HTTP, port: 8080 }')),
        inHealthy(
          httpRoute(
            'web',
            '{ name: shop, sectionName: http }',
            '[{ backendRefs: [{ name: web, port: 80 }] }]',
            '  hostnames: [route.example]',
          ),
        ),
      ].join(''),
    });
    cluster = up;
    const home = join(up.data, 'home');
    mkdirSync(home);
    const kubectl = kubectlFor(found.path, up.kubeconfig, home);
    const shop = `http://${await addressOf(up, 'shop', 'healthy')}:8080`;
    await answers(`${shop}/`, 200, { host: 'route.example' });
    await answers(`${up.http}/`, 200, { host: 'healthy.example' });

    const applyAndRead = async (): Promise<void> => {
      refusals = refusalsIn((await kubectl.try(['-n', 'broken', 'apply', '-f', folder])).stderr);
      const readOnce = async (): Promise<void> => {
        described = await descriptions(kubectl);
        const silent = all.filter((one) => one.object !== undefined && !isSaid(tellOf(one), one.words));
        if (silent.length > 0) throw new Error(`not all is said of ${silent.map(({ file }) => file).join(', ')}`);
      };
      // What is not said by then is a failure of the test of its file, which shows what is said instead.
      await eventually('everything is said', readOnce, 10_000).catch((error: unknown) => {
        process.stderr.write(`${(error as Error).message}\n`);
      });
    };
    reports.push(
      await underLoad({ url: `${shop}/`, host: 'route.example', rate: 200 }, async () => {
        reports.push(await underLoad({ url: `${up.http}/`, host: 'healthy.example', rate: 200 }, applyAndRead));
      }),
    );
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
  }, 30_000);

  test('are fifty at least', () => {
    expect(all.length).toBeGreaterThanOrEqual(50);
  });

  test.for(all)('$file', (broken, context) => {
    if (missing !== undefined) return context.skip(missing);
    const text = tellOf(broken) ?? '';
    expect(
      broken.words.filter((word) => !text.includes(word)),
      text,
    ).toEqual([]);
  });

  test('cost their healthy neighbours not one request', (context) => {
    if (missing !== undefined) return context.skip(missing);
    expect(reports).toHaveLength(2);
    for (const { requests, ok, errors } of reports) {
      expect(errors).toEqual({});
      expect(ok).toBe(requests);
      expect(ok).toBeGreaterThan(0);
    }
  });
});
