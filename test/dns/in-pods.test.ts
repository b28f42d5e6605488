// What dig and getent see inside pods, on every node, for each type of Service and by short names.
// One cluster of two nodes with network namespaces; a resolver of the test's own stands for the outside.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { DnsLab, HOST } from '#traffic/dns/testing/dns-lab.ts';
import { addressRecord } from '#traffic/model/dns/address-names.ts';
import { ownRanges } from '../nodes/inventory.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { kernelAllows } from '../support/kernel.ts';
import { findKubectl, kubectlFor } from '../support/kubectl.ts';
import { nameOf, type PodObject, settled } from '../support/pods.ts';

const found = await findKubectl('current');
const ranges = ownRanges();
const lab = new DnsLab();
const OUTSIDE = 'www.example.test';

function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'this is not root';
  const tools = ['ip', 'nft', 'nsenter', 'unshare', 'dig', 'getent'];
  const missing = tools.find((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (missing !== undefined) return `${missing} is not installed`;
  return 'missing' in found ? found.missing : undefined;
}

const labels = { 'app.kubernetes.io/name': 'db' };
const template = {
  metadata: { labels },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'main',
        image: 'evenkeel.dev/echo',
        command: ['sleep', '1000'],
        ports: [{ name: 'sql', containerPort: 5432 }],
      },
    ],
    // One on each node.
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: labels }, topologyKey: 'kubernetes.io/hostname' },
        ],
      },
    },
  },
};
const ports = [{ name: 'sql', port: 5432, targetPort: 'sql' }];
const service = (name: string, spec: object) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports, selector: labels, ...spec },
});
const manifests = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
    service('plain', { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }),
    service('both', { ipFamilyPolicy: 'RequireDualStack' }),
    service('node-port', { type: 'NodePort' }),
    service('balanced', { type: 'LoadBalancer' }),
    service('db', { clusterIP: 'None', ipFamilyPolicy: 'RequireDualStack' }),
    service('empty', { clusterIP: 'None', selector: { none: 'such' } }),
    service('outside', { type: 'ExternalName', externalName: OUTSIDE, selector: undefined, ports: undefined }),
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db', namespace: 'shop' },
      spec: {
        serviceName: 'db',
        replicas: 2,
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template,
      },
    },
  ],
});

describe.runIf(kernelAllows(obstacle(), 'names inside pods'))('inside pods', () => {
  let cluster: TestCluster;
  let pods: PodObject[] = [];

  beforeAll(async () => {
    const resolver = await lab.server(new Map([[OUTSIDE, ['192.0.2.7', '2001:db8::7'].map(addressRecord)]]), {
      domain: 'test',
    });
    const upstream = ['--dns-upstream', `${HOST}:${resolver.port}`];
    const args = ['--network', 'netns', '--nodes', '2', ...upstream, ...ranges.arguments];
    cluster = await startCluster(['-'], { input: manifests, args });
    mkdirSync(join(cluster.data, 'home'));
    pods = (await settled(cluster, 'db', 2)).toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
  }, 120_000);
  afterAll(async () => {
    await cluster?.remove();
    await lab.close();
  }, 60_000);

  /** A line a question: what each prints, its lines sorted and without repetition. Asked on every node: all see the same. */
  async function asked(...questions: readonly string[]): Promise<string[]> {
    const kubectl = kubectlFor('path' in found ? found.path : '', cluster.kubeconfig, join(cluster.data, 'home'));
    const script = questions.map((question) => `(${question}) 2>&1 | sort -u | paste -sd ' '`).join('\n');
    const said = await Promise.all(
      pods.map((pod) => kubectl(['-n', 'shop', 'exec', nameOf(pod), '--', 'sh', '-c', script])),
    );
    expect(new Set(pods.map(({ spec }) => spec?.nodeName)).size).toBe(2);
    expect(new Set(said).size).toBe(1);
    return (said[0] ?? '').trimEnd().split('\n');
  }
  const dig = (words: string): string => `dig +short +tries=2 ${words}`;
  const ahosts = (name: string, family: 4 | 6): string => `getent ahostsv${family} ${name} | cut -d ' ' -f 1`;
  const sorted = (...words: readonly string[]): string => words.toSorted().join(' ');
  const ips = async (name: string): Promise<string[]> => {
    const { spec } = await cluster.get<Service & KubeObject>('Service', name, 'shop');
    return spec?.clusterIPs ?? [];
  };
  const podIps = (at: number, six = false): string =>
    pods[at]?.status?.podIPs?.map(({ ip = '' }) => ip).find((ip) => ip.includes(':') === six) ?? '';

  it('Services of every type with an address are that address, by full and by short names', async () => {
    const names = ['plain', 'both', 'node-port', 'balanced'];
    const all = await Promise.all(names.map(ips));
    const lines = await asked(
      ...names.map((name) => dig(`${name}.shop.svc.cluster.local A`)),
      ...names.map((name) => dig(`${name}.shop.svc.cluster.local AAAA`)),
      ...['+search both', '+search both.shop', '+search both.shop.svc'].map((name) => dig(`${name} A`)),
      ...['both', 'both.shop', 'both.shop.svc.cluster.local'].map((name) => ahosts(name, 4)),
      ahosts('both', 6),
      ahosts('plain', 6),
      dig('+search _sql._tcp.both SRV'),
      dig(`-x ${all[1]?.[0]}`),
      `getent hosts ${all[1]?.[1]} | awk '{ print $2 }'`,
    );
    const [four, six] = [false, true].map((wanted) =>
      all.map((own) => own.filter((ip) => ip.includes(':') === wanted).join(' ')),
    ) as [string[], string[]];
    const [, both4 = ''] = four;
    expect(six.map((ip) => ip !== '')).toEqual([false, true, false, false]);
    const FULL = 'both.shop.svc.cluster.local';
    expect(lines).toEqual([
      ...four,
      ...six,
      ...Array(6).fill(both4),
      six[1],
      // No AAAA: glibc makes an address of that family of the other one.
      `::ffff:${four[0]}`,
      `0 100 5432 ${FULL}.`,
      `${FULL}.`,
      FULL,
    ]);
  }, 60_000);

  it('a headless Service is its pods, each with a name of its own', async () => {
    const SUFFIX = 'db.shop.svc.cluster.local';
    const lines = await asked(
      dig(`${SUFFIX} A`),
      dig(`${SUFFIX} AAAA`),
      dig('+search db-0.db A'),
      ahosts('db-1.db', 4),
      ahosts('db-1.db.shop', 6),
      dig(`_sql._tcp.${SUFFIX} SRV`),
      dig(`-x ${podIps(0)}`),
      dig(`-x ${podIps(1, true)}`),
      `dig empty.shop.svc.cluster.local | grep -o 'status: [A-Z]*'`,
      `dig ${SUFFIX} TXT | grep -o -e 'status: [A-Z]*' -e 'IN.SOA'`,
      dig(`${podIps(0).replaceAll('.', '-')}.shop.pod.cluster.local`),
    );
    expect(lines).toEqual([
      sorted(podIps(0), podIps(1)),
      sorted(podIps(0, true), podIps(1, true)),
      podIps(0),
      podIps(1),
      podIps(1, true),
      [0, 1].map((at) => `0 50 5432 db-${at}.${SUFFIX}.`).join(' '),
      // Its addresses are endpoints of the other Services as well.
      expect.stringContaining(`db-0.${SUFFIX}.`),
      expect.stringContaining(`db-1.${SUFFIX}.`),
      'status: NXDOMAIN',
      'IN\tSOA status: NOERROR',
      podIps(0),
    ]);
  }, 60_000);

  it('an ExternalName is what it stands for, followed to its end; others are asked of the outside', async () => {
    const lines = await asked(
      dig('+search outside A'),
      ahosts('outside', 4),
      ahosts('outside.shop', 6),
      ahosts(OUTSIDE, 4),
      `getent hosts none.example.test || echo $?`,
    );
    expect(lines).toEqual([`192.0.2.7 ${OUTSIDE}.`, '192.0.2.7', '2001:db8::7', '192.0.2.7', '2']);
  }, 60_000);
});
