// BGP by way of objects: a router (BIRD) hears what BGPPeer and BGPAdvertisement say, from each node that may announce it.
// Real speakers at a real API server, in namespaces.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import { builtin } from '#kube/api/resources.ts';
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { mustRun } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { hasTool } from '../support/tools.ts';
import { CLIENT, Lab } from './lab.ts';

const wanted = 'announcing addresses by BGP';
const possible = kernelAllows(privilegedObstacle(), wanted) && hasTool('bird', wanted) && hasTool('curl', wanted);
const VIP = '198.51.100.7';

describe.skipIf(!possible)('two speakers and a router', { timeout: 240_000 }, () => {
  let lab: Lab;
  let dir: TempDir;
  let bird: ChildProcess;
  const ask = (question: string): Promise<string> =>
    mustRun('birdc', ['-s', join(dir.path, 'bird.ctl'), ...question.split(' ')]);
  const create = (kind: string, name: string, spec: object): Promise<unknown> =>
    eventually(`${kind} is served`, () =>
      lab.api.create(loadBalancerResource(kind), {
        apiVersion: `metallb.io/${loadBalancerResource(kind).version}`,
        kind,
        metadata: { name, namespace: 'metallb-system' },
        spec,
      }),
    );

  beforeAll(async () => {
    lab = new Lab();
    await lab.start(2);
    dir = tempDir('speaker-bird');
    const both = 'ipv4 { import all; export none; };';
    const protocols = lab.nodes.map(
      ({ name, address }) =>
        `protocol bgp ${name} { local ${CLIENT} as 64513; neighbor ${address} as 64512; password "watchword"; ${both} }`,
    );
    const config = join(dir.path, 'bird.conf');
    const text = [
      'log stderr all;',
      `router id ${CLIENT};`,
      'protocol device {}',
      'protocol direct { ipv4; }',
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
  });
});
