// The names of a real cluster, asked with dig: at the DNS address of `up`, and of `evenkeel dns` beside it.
// Knows the CLI from the outside.
import type { Event, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { DnsLab } from '#traffic/dns/testing/dns-lab.ts';
import { message } from '#traffic/dns/wire/message.ts';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { echoManifests } from '../support/manifests.ts';
import { settled } from '../support/pods.ts';
import { evenkeelBinary, mustRun, run, start } from '../support/run.ts';
import { hasTool } from '../support/tools.ts';

const obstacle = process.getuid?.() === 0 ? undefined : 'port 53 needs root';
const possible = hasTool('dig', 'cluster DNS with dig') && kernelAllows(obstacle, 'cluster DNS at port 53');

const more = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'peers', namespace: 'shop' },
      spec: {
        clusterIP: 'None',
        selector: { 'app.kubernetes.io/name': 'web' },
        ports: [{ name: 'http', port: 80, targetPort: 'http' }],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'alias', namespace: 'shop' },
      spec: { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' },
    },
  ],
});

/** Where many other tests run beside this one, everything takes its time. */
const PATIENT = { timeout: 120_000 };

describe.runIf(possible)('cluster DNS', PATIENT, () => {
  let cluster: TestCluster;
  let server = '';

  const dig = async (...args: string[]): Promise<string[]> => {
    const stdout = await mustRun('dig', [`@${server}`, '+time=5', '+tries=1', '+short', ...args]);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .sort();
  };
  const addresses = async (replicas: number): Promise<string[]> =>
    (await settled(cluster, 'web', replicas)).map((pod) => pod.status?.podIP ?? '').sort();

  beforeAll(async () => {
    cluster = await startCluster(['-'], {
      args: ['--dns-autopath'],
      input: `${echoManifests({ name: 'web', namespace: 'shop', replicas: 3 })}\n---\n${more}`,
    });
    const service = await cluster.get<Service & KubeObject>('Service', 'kube-dns', 'kube-system');
    server = service.spec?.clusterIP ?? '';
  }, 120_000);
  afterAll(() => cluster?.remove());

  it('is told of by the Service that everybody knows, and its endpoints', async () => {
    expect(server).toMatch(/\.10$/);
    const [slice] = await cluster.list<EndpointSlice & KubeObject>('EndpointSlice', 'kube-system');
    expect(slice?.endpoints).toMatchObject([{ addresses: [server], conditions: { ready: true } }]);
    expect(await dig('kube-dns.kube-system.svc.cluster.local')).toEqual([server]);
    expect(await dig('-x', server)).toEqual(['kube-dns.kube-system.svc.cluster.local.']);
    const scraped = await fetch(`http://${server}:9153/metrics`);
    expect(await scraped.text()).toContain('evenkeel_dns_requests_total{protocol="udp",type="A"}');
    expect(await (await fetch(`${cluster.admin}/metrics`)).text()).toContain('evenkeel_dns_names');
  });

  it('knows Services, their endpoints, ports and aliases', async () => {
    const { spec } = await cluster.get<Service & KubeObject>('Service', 'web', 'shop');
    expect(await dig('web.shop.svc.cluster.local')).toEqual([spec?.clusterIP]);
    expect(await dig('+tcp', 'alias.shop.svc.cluster.local')).toEqual([spec?.clusterIP, 'web.shop.svc.cluster.local.']);
    const pods = await addresses(3);
    expect(await dig('peers.shop.svc.cluster.local')).toEqual(pods);
    const targets = pods.map((ip) => `0 33 8080 ${ip.replaceAll('.', '-')}.peers.shop.svc.cluster.local.`);
    expect(await dig('_http._tcp.peers.shop.svc.cluster.local', 'SRV')).toEqual(targets.sort());
    expect(await dig(`${pods[0]?.replaceAll('.', '-')}.shop.pod.cluster.local`)).toEqual([pods[0]]);
    // As the specification still wants it: any address.
    expect(await dig('192-0-2-1.shop.pod.cluster.local')).toEqual(['192.0.2.1']);
    expect(await dig('192-0-2-1.nowhere.pod.cluster.local')).toEqual([]);
  });

  it('searches in place of a pod, in the namespace that it is in, and for nobody else', async () => {
    const [pod = ''] = await addresses(3);
    const name = 'kube-dns.kube-system.shop.svc.cluster.local';
    expect(await dig('-b', pod, name)).toEqual([server, 'kube-dns.kube-system.svc.cluster.local.']);
    expect(await dig('-b', pod, name.replace('shop', 'default'))).toEqual([]);
    expect(await dig(name)).toEqual([]);
    const scraped = await (await fetch(`http://${server}:9153/metrics`)).text();
    expect(scraped).toContain('evenkeel_dns_autopath_searches_total{outcome="found"} 1');
  });

  it('follows the pods that come and go', async () => {
    await cluster.client.patch(builtin('Deployment'), 'web', 'shop', 'merge', { spec: { replicas: 1 } });
    const [left] = await addresses(1);
    await eventually('one address is left', async () =>
      expect(await dig('peers.shop.svc.cluster.local')).toEqual([left]),
    );
  });

  it('asks the resolvers that ConfigMaps name, as they change, and tells of what it cannot read', async () => {
    const lab = new DnsLab();
    try {
      const [first, second] = await Promise.all(
        [1, 2].map((last) =>
          lab.resolver(({ id, questions }) => {
            const { name = '', type = 1 } = questions[0] ?? {};
            const answers = [{ name, type, class: 1, ttl: 60, data: Buffer.from([192, 0, 2, last]) }];
            return message({ id, questions, response: true, answers });
          }),
        ),
      );
      const say = (name: string, data: Record<string, string>): Promise<void> =>
        cluster.apply(
          JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-system' }, data }),
        );
      const told = (name: string, address: string): Promise<void> =>
        eventually(`${name} is ${address}`, async () => expect(await dig(name)).toEqual([address]));
      await say('kube-dns', { stubDomains: `{"corp.example": ["127.0.0.1:${first?.port}"], "bad": ["nobody"]}` });
      await told('www.corp.example', '192.0.2.1');
      const events = await eventually('an event says what is wrong', async () => {
        const all = await cluster.list<Event & KubeObject>('Event', 'kube-system');
        const found = all.filter(({ reason }) => reason === 'InvalidDnsConfig');
        expect(found).toHaveLength(1);
        return found;
      });
      expect(events[0]?.message).toContain('"bad" with ["nobody"] is no zone with addresses');
      await say('coredns', { Corefile: `corp.example {\n forward . 127.0.0.1:${second?.port}\n}` });
      // Kept answers of others are not given any more.
      await say('kube-dns', { upstreamNameservers: `["127.0.0.1:${second?.port}"]` });
      await told('www.corp.example', '192.0.2.2');
      await told('www.example', '192.0.2.2');
    } finally {
      for (const name of ['kube-dns', 'coredns']) {
        await cluster.client.delete(builtin('ConfigMap'), name, 'kube-system').catch(() => {});
      }
      await lab.close();
    }
  });

  it('is served by a process of its own as well, and by none that it cannot reach', async () => {
    const words = ['--listen', '127.0.0.1:0', '--pods', 'verified', '--ttl', '30', '--autopath'];
    const alone = start(evenkeelBinary, ['dns', '--kubeconfig', cluster.kubeconfig, ...words], { timeoutMs: 60_000 });
    const port = await eventually('evenkeel dns says where it is', () => {
      const found = /at 127\.0\.0\.1:(\d+)/.exec(alone.output().stdout)?.[1];
      if (found === undefined) throw new Error(alone.output().stderr);
      return found;
    });
    const stdout = await mustRun('dig', ['@127.0.0.1', '-p', port, '+short', 'kube-dns.kube-system.svc.cluster.local']);
    expect(stdout).toBe(`${server}\n`);
    const [pod = ''] = await addresses(1);
    const at = ['@127.0.0.1', '-p', port, '+noall', '+answer'];
    const ofPod = (address: string) =>
      mustRun('dig', [...at, `${address.replaceAll('.', '-')}.shop.pod.cluster.local`, 'A']);
    expect(await ofPod(pod)).toMatch(new RegExp(`\\s30\\s+IN\\s+A\\s+${pod}\n`));
    expect(await ofPod('192.0.2.1')).toBe('');
    const searched = await mustRun('dig', [...at, '-b', pod, 'kube-dns.kube-system.shop.svc.cluster.local']);
    expect(searched).toContain(`A\t${server}\n`);
    alone.child.kill('SIGINT');
    expect((await alone.finished).code).toBe(0);
    const taken = await run(evenkeelBinary, ['dns', '--kubeconfig', cluster.kubeconfig, '--listen', `${server}:53`]);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining(`Cannot serve DNS at ${server}:53`) });
    const long = await run(evenkeelBinary, ['dns', '--ttl', '1h']);
    expect(long).toMatchObject({ code: 2, stderr: expect.stringContaining('whole seconds from 0 to 3600') });
    const wrong = await run(evenkeelBinary, ['dns', '--listen', 'dns.example.com']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('no address to listen at') });
  });
});
