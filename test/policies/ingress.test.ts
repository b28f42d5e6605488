// Ingresses by real requests: every path type, hosts and their wildcards, backends of each kind, conflicts, annotations.
// Knows the API from the outside; backends are servers of the test.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Event } from 'kubernetes-types/core/v1.js';
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type Answer, ask, type Question } from '../support/http.ts';
import { findKubectl, kubectlFor } from '../support/kubectl.ts';
import { type Backend, backend, ingress, serviceOver } from './kit.ts';

const PATIENT = { timeout: 60_000 };
const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

/** Paths of an Ingress, `[path, type, service]`, and the service that a request is to get; '' for none. */
const tables: readonly (readonly [string, readonly (readonly [string, string, string])[], Record<string, string>])[] = [
  ['all', [['/', 'Prefix', 'a']], { '/': 'a', '/x/y': 'a' }],
  ['exact', [['/foo', 'Exact', 'a']], { '/foo': 'a', '/bar': '', '/foo/': '' }],
  ['exact-slash', [['/foo/', 'Exact', 'a']], { '/foo': '', '/foo/': 'a' }],
  ['prefix', [['/foo', 'Prefix', 'a']], { '/foo': 'a', '/foo/': 'a', '/foobar': '' }],
  ['prefix-slash', [['/foo/', 'Prefix', 'a']], { '/foo': 'a', '/foo/': 'a' }],
  ['part', [['/aaa/bb', 'Prefix', 'a']], { '/aaa/bbb': '', '/aaa/bb': 'a' }],
  ['whole', [['/aaa/bbb', 'Prefix', 'a']], { '/aaa/bbb': 'a', '/aaa/bbb/': 'a', '/aaa/bbb/ccc': 'a' }],
  [
    'several',
    [
      ['/', 'Prefix', 'a'],
      ['/aaa', 'Prefix', 'b'],
      ['/aaa/bbb', 'Prefix', 'c'],
    ],
    { '/aaa/bbb': 'c', '/aaa/ccc': 'b', '/ccc': 'a' },
  ],
  [
    'mixed',
    [
      ['/foo', 'Prefix', 'a'],
      ['/foo', 'Exact', 'b'],
    ],
    { '/foo': 'b', '/foo/x': 'a' },
  ],
  ['own', [['/own', 'ImplementationSpecific', 'a']], { '/own': 'a', '/own/x': 'a', '/owner': '' }],
];

const path = ([value, type, service]: readonly [string, string, string], port = '{ name: http }'): string =>
  `{ path: ${value}, pathType: ${type}, backend: { service: { name: ${service}, port: ${port} } } }`;

function rules(name: string, host: string, paths: string, more = '', namespace = 'default'): string {
  return `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ingressClassName: evenkeel, rules: [{ host: "${host}", http: { paths: [${paths}] } }]${more} }
`;
}

describe('Ingresses', PATIENT, () => {
  let cluster: TestCluster;
  let all: Backend[];
  const get = (host: string, at = '/', question: Question = {}): Promise<Answer> =>
    ask(`${cluster.http}${at}`, { host, ...question });
  const told = (name: string, reason: string): Promise<string> =>
    eventually(`an Event of ${name} says ${reason}`, async () => {
      const events = await cluster.list<Event>('Event', 'default');
      const found = events.find((event) => event.involvedObject.name === name && event.reason === reason);
      if (found === undefined) throw new Error(JSON.stringify(events.map(({ message }) => message)));
      return found.message ?? '';
    });

  beforeAll(async () => {
    const outside = own === undefined ? [] : [await backend('outside', own)];
    all = [...(await Promise.all(['a', 'b', 'c'].map((name) => backend(name)))), ...outside];
    const port = outside[0]?.port ?? 1;
    const external = (name: string, target: string): string =>
      `\n---\napiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { type: ExternalName, externalName: "${target}", ports: [{ name: http, port: ${port} }] }\n`;
    const input = [
      ...all.slice(0, 3).map((one) => serviceOver(one.name, [one])),
      '\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: other }\n',
      serviceOver('d', all.slice(1, 2)).replaceAll('metadata: { name: d', 'metadata: { namespace: other, name: d'),
      external('outside', own ?? '192.0.2.1'),
      external('inside', 'localhost'),
      ...tables.map(([name, paths]) => rules(name, `${name}.test`, paths.map((one) => path(one)).join(', '))),
      rules('by-number', 'number.test', path(['/', 'Prefix', 'a'], '{ number: 80 }')),
      rules('wild', '*.wild.test', path(['/', 'Prefix', 'a']), ', tls: [{ hosts: ["*.wild.test"], secretName: wild }]'),
      rules('precise', 'b.wild.test', path(['/', 'Prefix', 'b'])),
      rules('others', 'several.test', path(['/other', 'Prefix', 'd']), '', 'other'),
      rules('elsewhere', 'outside.test', path(['/', 'Prefix', 'outside'])),
      rules('localhost', 'inside.test', path(['/', 'Prefix', 'inside'])),
      rules(
        'static',
        'static.test',
        '{ path: /, pathType: Prefix, backend: { resource: { apiGroup: k8s.example.com, kind: Bucket, name: icons } } }',
      ),
      ingress('patient', 'patient.test', 'a'),
      ingress(
        'hasty',
        'hasty.test',
        'a',
        '{ evenkeel.dev/request-timeout: 100ms, evenkeel.dev/affinity: cookie, evenkeel.dev/retries: many }',
      ),
    ].join('');
    cluster = await startCluster(['-'], { input: input.slice(4), args: ['--network', 'loopback'] });
    await eventually('Ingresses are served', async () => {
      if ((await get('hasty.test')).status !== 200) throw new Error('not yet');
    });
  }, 90_000);
  afterAll(async () => {
    await cluster?.remove();
    for (const one of all ?? []) one.close();
  }, 30_000);

  test.each(tables)('paths of %s', async (name, _paths, wanted) => {
    const found = Object.keys(wanted).map(async (at) => {
      const { status, text } = await get(`${name}.test`, at);
      return [at, status === 404 ? '' : text];
    });
    expect(Object.fromEntries(await Promise.all(found))).toEqual(wanted);
  });

  test('ports by number, and hosts that nobody has', async () => {
    expect((await get('number.test')).text).toBe('a');
    expect((await get('nobody.test')).status).toBe(404);
  });

  test('a wildcard stands for one label, gives way to the precise host, and has its certificate', async () => {
    expect((await get('a.wild.test')).text).toBe('a');
    expect((await get('b.wild.test')).text).toBe('b');
    expect((await get('x.a.wild.test')).status).toBe(404);
    const ca = readFileSync(cluster.caFile, 'utf8');
    expect((await ask(`${cluster.https}/`, { host: 'a.wild.test', ca })).text).toBe('a');
  });

  test('one host may be of several namespaces, and each is told its address', async () => {
    expect((await get('several.test', '/other')).text).toBe('b');
    expect((await get('several.test', '/ccc')).text).toBe('a');
    const { status } = await cluster.get<Ingress>('Ingress', 'others', 'other');
    expect(status?.loadBalancer?.ingress?.[0]?.ip).toBe('127.0.0.1');
  });

  test('of two for one host and path the older is served, and the other is told', async () => {
    await cluster.apply(rules('late', 'all.test', path(['/', 'Prefix', 'b'])).slice(4));
    expect(await told('late', 'RouteConflict')).toContain('default/all');
    expect((await get('all.test')).text).toBe('a');
  });

  test('a resource is no backend that is served here, and its owner is told', async () => {
    expect((await get('static.test')).status).toBe(503);
    expect(await told('static', 'BackendNotSupported')).toContain('Bucket "icons" is no Service');
  });

  test.skipIf(own === undefined)('a Service of type ExternalName leads to the host of its name', async () => {
    await eventually('the host answers', async () => {
      const { text } = await get('outside.test');
      if (text !== 'outside') throw new Error(text);
    });
  });

  test('but never into the machine itself', async () => {
    expect(await told('inside', 'NameNotResolved')).toContain('"localhost" leads to 127.0.0.1');
    expect((await get('inside.test')).status).toBe(503);
  });

  test('annotations are for the Ingress that has them, and a bad one changes nothing of the others', async () => {
    expect((await get('hasty.test', '/?wait')).status).toBe(504);
    expect(String((await get('hasty.test')).headers['set-cookie'])).toContain('evenkeel-');
    expect((await get('patient.test')).headers['set-cookie']).toBeUndefined();
    const waiting = get('patient.test', '/?wait');
    await eventually('the patient one is answered', async () => {
      for (const one of all) one.release();
      if ((await Promise.race([waiting, get('patient.test').then(() => undefined)])) === undefined)
        throw new Error('not answered yet');
    });
    expect((await waiting).status).toBe(200);
    await told('hasty', 'InvalidSetting');
    const found = await findKubectl('current');
    if ('missing' in found) throw new Error(found.missing);
    const kubectl = kubectlFor(found.path, cluster.kubeconfig, cluster.data);
    const described = (await kubectl(['describe', 'ingress', 'hasty'])).replace(/\s+/g, ' ');
    expect(described).toContain(
      'metadata.annotations[evenkeel.dev/retries]: Value "many" is no number: use a whole number from 0 to 10',
    );
  });
});
