// BGP by way of objects: a router (BIRD) hears what BGPPeer and BGPAdvertisement say, from each node that may announce it.
// Real speakers at a real API server, in namespaces.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import { builtin } from '#kube/api/resources.ts';
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { mustRun } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { hasTool } from '../support/tools.ts';
import { CLIENT, Lab, LINK } from './lab.ts';

const wanted = 'announcing addresses by BGP';
const possible = kernelAllows(privilegedObstacle(), wanted) && hasTool('bird', wanted) && hasTool('curl', wanted);
const VIP = '198.51.100.7';
/** The router's other address, by which it is of the AS of the nodes. */
const ROUTER6 = '2001:db8:7::100';
const DUAL = ['203.0.113.9', '2001:db8:99::7'] as const;

describe.skipIf(!possible)('two speakers and a router', { timeout: 240_000 }, () => {
  let lab: Lab;
  let dir: TempDir;
  let bird: ChildProcess;
  const ask = (question: string): Promise<string> =>
    mustRun('birdc', ['-s', join(dir.path, 'bird.ctl'), ...question.split(' ')]);
  const create = (
    kind: string,
    name: string,
    spec: object,
    version = loadBalancerResource(kind).version,
  ): Promise<unknown> =>
    eventually(`${kind} is served`, () =>
      lab.api.create(
        { ...loadBalancerResource(kind), version },
        {
          apiVersion: `metallb.io/${version}`,
          kind,
          metadata: { name, namespace: 'metallb-system' },
          spec,
        },
      ),
    );

  beforeAll(async () => {
    lab = new Lab();
    await lab.start(2);
    dir = tempDir('speaker-bird');
    const both = 'ipv4 { import all; export none; }; ipv6 { import all; export none; };';
    const protocols = lab.nodes.flatMap(({ name, address }) => {
      const six = address.replace('192.0.2.', ROUTER6.replace(/\d+$/, ''));
      return [
        `protocol bgp ${name} { local ${CLIENT} as 64513; neighbor ${address} as 64512; password "watchword"; ${both} }`,
        `protocol bgp ${name}six { local ${ROUTER6} as 64513; neighbor ${six} as 64513; direct; bfd on; error wait time 1, 2; ${both} }`,
      ];
    });
    const config = join(dir.path, 'bird.conf');
    const text = [
      'log stderr all;',
      `router id ${CLIENT};`,
      'protocol device {}',
      'protocol direct { ipv4; ipv6; }',
      'protocol bfd { interface "*" { interval 200 ms; multiplier 5; }; }',
      ...protocols,
    ];
    writeFileSync(config, text.join('\n'));
    const args = ['netns', 'exec', lab.client.namespace, 'bird', '-f', '-c', config, '-s', join(dir.path, 'bird.ctl')];
    bird = spawn('ip', args, { stdio: 'ignore' });
    await eventually('the router answers', () => ask('show status'), 60_000);
  }, 120_000);
  afterAll(async () => {
    const gone = bird?.exitCode === null ? once(bird, 'exit') : undefined;
    bird?.kill('SIGKILL');
    await gone;
    await lab.remove();
    dir?.remove();
  });

  const knows = (hops: readonly string[], more = ''): Promise<void> =>
    eventually(
      `the router knows ${VIP} by ${hops.join(' and ') || 'nobody'}`,
      async () => {
        const routes = await mustRun('birdc', [
          '-s',
          join(dir.path, 'bird.ctl'),
          'show',
          'route',
          `${VIP}/32`,
          'all',
        ]).catch(String);
        const found = [...routes.matchAll(/BGP\.next_hop: (\S+)/g)].map(([, hop]) => hop ?? '').sort();
        expect(found).toEqual([...hops].sort());
        expect(routes).toContain(more);
      },
      60_000,
    );

  it('the router hears of an address from the nodes that may announce it, until they end', async () => {
    const [one, two] = lab.nodes.map(({ address }) => address) as [string, string];
    await lab.api.create(builtin('Secret'), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'tor', namespace: 'metallb-system' },
      type: 'kubernetes.io/basic-auth',
      data: { password: Buffer.from('watchword').toString('base64') },
    } as object);
    await create('IPAddressPool', 'public', { addresses: ['198.51.100.0/24'] });
    await create('Community', 'names', { communities: [{ name: 'backup', value: '64512:7' }] });
    await create('BGPPeer', 'tor', {
      myASN: 64512,
      peerASN: 64513,
      peerAddress: CLIENT,
      passwordSecret: { name: 'tor' },
    });
    await create('BGPAdvertisement', 'all', { ipAddressPools: ['public'], communities: ['backup'] });
    await lab.service('web', [VIP], ['n1', 'n2']);
    const [first, second] = [await lab.speaker('n1', ['--l2', 'off']), await lab.speaker('n2', ['--l2', 'off'])];
    await knows([one, two], '(64512,7)');
    const status = JSON.parse(await first.page('/status')) as { bgp: { peers: object[] }; routes: object[] };
    expect(status).toMatchObject({
      bgp: { peers: [{ name: 'tor', state: 'established', prefixes: 1 }] },
      routes: [{ prefix: `${VIP}/32`, peers: ['tor'], services: ['shop/web'] }],
    });
    expect(await first.page('/metrics')).toContain('evenkeel_bgp_session_up{peer="tor"} 1');

    // Policy Local: only where endpoints are.
    await lab.api.patch(builtin('Service'), 'web', 'shop', 'merge', { spec: { externalTrafficPolicy: 'Local' } });
    await lab.endpoints('web', ['n1']);
    await knows([one]);
    await lab.endpoints('web', ['n1', 'n2']);
    await knows([one, two]);
    // Nodes that are left out, or cordoned, withdraw.
    const label = 'node.kubernetes.io/exclude-from-external-load-balancers';
    await lab.api.patch(builtin('Node'), 'n1', undefined, 'merge', { metadata: { labels: { [label]: '' } } });
    await knows([two]);
    await lab.api.patch(builtin('Node'), 'n1', undefined, 'merge', { metadata: { labels: { [label]: null } } });
    await knows([one, two]);
    await lab.api.patch(builtin('Node'), 'n2', undefined, 'merge', { spec: { unschedulable: true } });
    await knows([one]);
    // What nobody else can announce, a cordoned node goes on announcing.
    await lab.endpoints('web', ['n2']);
    await knows([two]);
    await second.end();
    await knows([]);
    await first.end();
    await lab.api.patch(builtin('Node'), 'n2', undefined, 'merge', { spec: { unschedulable: false } });
  });

  it('peers and advertisements have what their fields ask for, and events say what they cannot have', async () => {
    await lab.clear();
    await lab.api.delete(loadBalancerResource('BGPPeer'), 'tor', 'metallb-system').catch(() => {});
    const tor = { myASN: 64512, peerASN: 64513, peerAddress: CLIENT, passwordSecret: { name: 'tor' } };
    await create('BGPPeer', 'tor', { ...tor, keepaliveTime: '2s', holdTime: '9s', connectTime: '1s', vrf: LINK });
    await create('BFDProfile', 'fast', { transmitInterval: 200, receiveInterval: 200, detectMultiplier: 5 });
    const tor6 = { myASN: 64513, peerASN: 64513, peerAddress: ROUTER6, bfdProfile: 'fast' };
    await create('BGPPeer', 'tor6', tor6, 'v1beta1');
    await create('BGPPeer', 'unnumbered', { myASN: 64512, dynamicASN: 'external', interface: LINK });
    await create('BGPPeer', 'elsewhere', { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.99', vrf: 'red' });
    await create('IPAddressPool', 'second', { addresses: ['203.0.113.0/24', '2001:db8:99::/64'] });
    await create('Community', 'large', { communities: [{ name: 'site', value: 'large:64512:7:9' }] });
    await create('BGPAdvertisement', 'blocks', {
      ipAddressPools: ['second'],
      aggregationLength: 28,
      aggregationLengthV6: 120,
      communities: ['site', '64512:5'],
      peers: ['tor'],
      nodeSelectors: [{ matchLabels: { at: 'n1' } }],
    });
    await create('BGPAdvertisement', 'preferred', { ipAddressPools: ['second'], localPref: 300, peers: ['tor6'] });
    await create('BGPAdvertisement', 'misspelt', { ipAddressPools: ['second'], communities: ['sight'] });
    await lab.service('dual', DUAL, ['n1', 'n2'], { ipFamilyPolicy: 'PreferDualStack' });
    const [first] = [await lab.speaker('n1', ['--l2', 'off']), await lab.speaker('n2', ['--l2', 'off'])];
    const routesOf = async (protocol: string): Promise<string> => {
      const tables = await Promise.all(
        ['master4', 'master6'].map((table) => ask(`show route table ${table} protocol ${protocol} all`)),
      );
      return tables.join('');
    };
    await eventually(
      'the router knows what it should',
      async () => {
        const [four, other] = [await routesOf('n1'), await routesOf('n2')];
        expect(four).toContain('203.0.113.0/28');
        expect(four).toContain('BGP.community: (64512,5)');
        expect(four).toContain('BGP.large_community: (64512, 7, 9)');
        // The session over IPv4 is of IPv4, and only the node that was selected says it.
        expect(four).not.toContain('2001:db8:99');
        expect(other).not.toContain('203.0.113');
        for (const protocol of ['n1six', 'n2six']) {
          const six = await routesOf(protocol);
          expect(six).toContain('2001:db8:99::7/128');
          expect(six).toContain('BGP.local_pref: 300');
          expect(six).not.toContain('203.0.113');
        }
        expect(await ask('show protocols all n1')).toMatch(/Keepalive timer|Hold timer:.*\/9/);
        expect(await ask('show bfd sessions')).toMatch(/Up\s+\S+\s+0\.200\s+1\.000/);
      },
      60_000,
    );
    // The router may hold BFD for up before the speaker has heard so.
    await eventually('the page says so too', async () => {
      const { bgp } = JSON.parse(await first.page('/status')) as { bgp: { peers: { name: string }[] } };
      expect(bgp.peers).toMatchObject([
        {
          name: 'elsewhere',
          lastError: { words: expect.stringContaining('"red" can be used: this machine has none') },
        },
        { name: 'tor', session: { holdTimeSec: 9, families: ['ipv4'] } },
        { name: 'tor6', session: { families: ['ipv6'] }, bfd: { state: 'up', detectMs: 1000 } },
      ]);
    });
    await eventually('events say what is not to be had', async () => {
      const { items } = await lab.api.list<Event>(builtin('Event'), { namespace: 'metallb-system' });
      const told = items.map(({ involvedObject: of, reason }) => `${of.kind} ${of.name} ${reason}`);
      expect(told).toContain('BGPPeer unnumbered PeerRefused');
      // Both nodes come to the same; one says it.
      expect(told.filter((line) => line === 'BGPAdvertisement misspelt UnknownCommunity')).toHaveLength(1);
    });
  });
});
