// How long a load-balancer address is without an answer when the node that has it dies: by layer 2, and by BGP to BIRD.
// Three real speakers, an API server and a client on one switch, in namespaces; it needs root, and bird for BGP.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import { ip, privilegedObstacle } from '#lib/sys/testing.ts';
import { eventually } from '#test/support/eventually.ts';
import { mustRun } from '#test/support/run.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { CLIENT, Lab, LINK } from '../../test/speaker/lab.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { isInstalled } from '../lib/processes.ts';
import { printJson, speaker } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';
import { FirstAnswer } from './first-answer.ts';

const NODES = ['n1', 'n2', 'n3'];
const VIP = '192.0.2.200';
const ROUTED = '198.51.100.7';
/** Both sides have them: silence of 300 ms is death. */
const BFD = { transmitInterval: 100, receiveInterval: 100, detectMultiplier: 3 };
/** The shortest that RFC 4271 allows. */
const HOLD = { holdTime: '3s', keepaliveTime: '1s' };

interface Way {
  readonly name: string;
  readonly aim: number;
  readonly bgp?: { readonly peer: object; readonly bird: string };
}

const WAYS: readonly Way[] = [
  { name: 'l2', aim: 1 },
  { name: 'bgp-bfd', aim: 3, bgp: { peer: { bfdProfile: 'fast' }, bird: 'bfd on; hold time 90;' } },
  { name: 'bgp-hold', aim: 3, bgp: { peer: HOLD, bird: 'hold time 3; keepalive time 1;' } },
];

interface Result {
  readonly way: string;
  readonly aim: number;
  /** Of each round, from the death to the first answer of a run that did not end. */
  readonly seconds: readonly number[];
}

export const failover: Benchmark = {
  usage: {
    name: 'failover',
    about: 'Seconds until a load-balancer address answers again after its node has died: layer 2, BGP with BFD, BGP.',
    seconds: 8,
    rounds: 5,
  },
  run: async ({ rounds, seconds, only, json }, args) => {
    const say = speaker(json);
    const obstacle = privilegedObstacle();
    if (obstacle !== undefined) return say(`Nothing is measured: ${obstacle}`);
    const results: Result[] = [];
    for (const way of WAYS) {
      if (only.length > 0 && !only.includes(way.name)) continue;
      if (way.bgp !== undefined && !isInstalled('bird')) {
        say(`${way.name} is left out: bird is not installed (Debian: apt install bird2)`);
        continue;
      }
      const times = await measured(way, rounds, seconds, say);
      results.push({ way: way.name, aim: way.aim, seconds: times });
      const list = times.map((one) => one.toFixed(2)).join(', ');
      say(`${way.name.padEnd(10)}${median(times).toFixed(2)} s (${list}); aim ${way.aim} s`);
    }
    if (json) printJson('failover', args, results);
  },
};

async function measured(
  { name, bgp }: Way,
  rounds: number,
  seconds: number,
  say: (line: string) => void,
): Promise<number[]> {
  const lab = new Lab();
  const address = bgp === undefined ? VIP : ROUTED;
  let endRouter = async (): Promise<void> => {};
  let control = '';
  try {
    await lab.start(NODES.length);
    await (bgp === undefined ? lab.pool() : peering(lab, bgp.peer));
    if (bgp !== undefined) {
      for (const node of lab.nodes) ip(`-n ${node.namespace} route add local ${ROUTED}/32 dev lo`);
      ({ control, end: endRouter } = await router(lab, bgp.bird));
    }
    await lab.service('web', [address], NODES);
    const times: number[] = [];
    const start = (node: string) => lab.speaker(node, bgp === undefined ? [] : ['--l2', 'off']);
    const speakers = new Map(await Promise.all(NODES.map(async (node) => [node, await start(node)] as const)));
    for (let round = 1; round <= rounds; round++) {
      await eventually('all nodes have their part', () => steady(lab, address, bgp !== undefined), 60_000);
      if (name === 'bgp-bfd') await eventually('BFD is up', () => bfdIsUp(control), 60_000);
      const dying = (await lab.whoAnswers(address)) ?? '';
      const answers = new FirstAnswer(lab, address, dying);
      const died = performance.now();
      lab.cut(dying);
      // The power of the node fails: neither its kernel nor its speaker says another word.
      await speakers.get(dying)?.end('SIGKILL');
      const back = await answers.after(died, seconds * 1_000);
      times.push((back - died) / 1_000);
      say(`  ${name} ${round}: ${dying} died, ${((back - died) / 1_000).toFixed(2)} s`);
      lab.mend(dying);
      speakers.set(dying, await start(dying));
    }
    return times;
  } finally {
    await endRouter();
    await lab.remove();
  }
}

/** Somebody answers, and with routes to all nodes all of them may. */
async function steady(lab: Lab, address: string, routed: boolean): Promise<void> {
  if ((await lab.whoAnswers(address)) === undefined) throw new Error(`${address} does not answer`);
  if (!routed) return;
  const routes = ip(`-n ${lab.client.namespace} route show ${address}`);
  if (routes.match(/via 192\.0\.2\./g)?.length !== NODES.length) throw new Error(`Routes are ${routes}`);
}

async function bfdIsUp(control: string): Promise<void> {
  const sessions = await mustRun('birdc', ['-s', control, 'show', 'bfd', 'sessions']);
  if (sessions.match(/ Up /g)?.length !== NODES.length) throw new Error(sessions);
}

async function peering(lab: Lab, more: object): Promise<void> {
  const create = (kind: string, name: string, spec: object): Promise<unknown> => {
    const resource = loadBalancerResource(kind);
    const metadata = { name, namespace: 'metallb-system' };
    const object = { apiVersion: `metallb.io/${resource.version}`, kind, metadata, spec };
    return eventually(`${kind} is served`, () => lab.api.create(resource, object));
  };
  await create('IPAddressPool', 'routed', { addresses: [`${ROUTED}/32`] });
  await create('BGPAdvertisement', 'routed', { ipAddressPools: ['routed'] });
  await create('BFDProfile', 'fast', BFD);
  await create('BGPPeer', 'router', {
    myASN: 64_512,
    peerASN: 64_513,
    peerAddress: CLIENT,
    connectTime: '1s',
    ...more,
  });
}

/** BIRD beside the client, which spreads its connections among all nodes that announce; where it is asked, and its end. */
async function router(lab: Lab, words: string): Promise<{ control: string; end: () => Promise<void> }> {
  const dir = tempDir('failover-bird');
  const control = join(dir.path, 'bird.ctl');
  const config = join(dir.path, 'bird.conf');
  const text = [
    `router id ${CLIENT};`,
    'protocol device {}',
    'protocol direct { ipv4; }',
    'protocol kernel { merge paths on; ipv4 { export where source = RTS_BGP; }; }',
    `protocol bfd { interface "${LINK}" { interval 100 ms; multiplier 3; }; }`,
    ...lab.nodes.map(
      ({ name, address }) =>
        `protocol bgp ${name} { local ${CLIENT} as 64513; neighbor ${address} as 64512; ${words} error wait time 1, 2; ipv4 { import all; export none; }; }`,
    ),
  ];
  writeFileSync(config, text.join('\n'));
  await mustRun('ip', ['netns', 'exec', lab.client.namespace, 'sysctl', '-qw', 'net.ipv4.fib_multipath_hash_policy=1']);
  const bird = spawn('ip', ['netns', 'exec', lab.client.namespace, 'bird', '-f', '-c', config, '-s', control], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await eventually('the router answers', () => mustRun('birdc', ['-s', control, 'show', 'status']), 60_000);
  const end = async (): Promise<void> => {
    const gone = once(bird, 'exit');
    bird.kill('SIGKILL');
    await gone;
    dir.remove();
  };
  return { control, end };
}
