// What a service proxy meets on its machine: another proxy, rules that one of another mode left, ports that are taken.
// Real commands in a network namespace, at a real API server.
import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { evenkeelBinary, type Running } from '../support/run.ts';
import { end, ProxyLab } from './lab.ts';

const missing = ['nft', 'iptables', 'curl'].find((tool) => spawnSync(tool, ['--version']).error !== undefined);
const obstacle = privilegedObstacle() ?? (missing === undefined ? undefined : `${missing} is not installed`);
const possible = kernelAllows(obstacle, 'neighbours of a service proxy');
const WEB = 'http://192.0.2.1:30080/';

describe.runIf(possible)('evenkeel service-proxy and its neighbours', { timeout: 120_000 }, () => {
  let lab: ProxyLab;
  beforeAll(async () => {
    lab = new ProxyLab();
    await lab.start();
  }, 120_000);
  afterEach(async () => {
    await lab.endProxies();
    await lab.says('nft', 'flush', 'ruleset');
  });
  afterAll(() => lab.remove());

  const chains = (): Promise<string> => lab.says('nft', 'list', 'chains');

  it('ends when one of its ports is taken, with the flag that gives another', async () => {
    const { code, stderr } = await ended(lab.beginProxy('--healthz-bind-address', '127.0.0.1:6443'));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'Error: Port 6443 on 127.0.0.1 is taken\nFree it, or choose another one with --healthz-bind-address.\n',
    });
  });

  it('leaves the rules to the proxy that has them', async () => {
    const first = await lab.proxy();
    const taken = `Another service proxy works in this network namespace: process ${first.child.pid}, for node "n1"`;
    for (const args of [[], ['--mode', 'userspace', '--healthz-bind-address', 'off']]) {
      const { code, stderr } = await ended(lab.beginProxy('--metrics-bind-address', 'off', ...args));
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`Error: ${taken}\nEnd it first`) });
    }
    const cleanup = await lab.within(evenkeelBinary, 'service-proxy', '--cleanup');
    expect(cleanup).toMatchObject({ code: 1, stderr: expect.stringContaining(`Error: ${taken}\nEnd it`) });
    const kubelet = lab.beginKubelet('n2');
    try {
      const { output } = kubelet;
      await eventually('the kubelet says so', () => expect(output().stdout).toContain(`on this node: ${taken}`));
    } finally {
      await end(kubelet, 'SIGTERM');
    }
    expect(await lab.curl(WEB)).toBe('192.0.2.1');
    // Whatever way it ends, the next one may begin.
    await end(first, 'SIGKILL');
    await lab.proxy();
  });

  it.each([
    ['nftables', 'iptables', 'SIGKILL'],
    ['nftables', 'userspace', 'SIGTERM'],
    ['iptables', 'nftables', 'SIGKILL'],
  ] as const)('takes away what %s left once %s serves, and leaves nothing itself', async (before, after, signal) => {
    await end(await lab.proxy('--mode', before, '--keep-rules'), signal);
    const left = before === 'nftables' ? chains : (): Promise<string> => lab.says('iptables-save');
    const mark = before === 'nftables' ? 'table ip evenkeel ' : ':EVK-';
    expect(await left()).toContain(mark);
    const next = await lab.proxy('--mode', after);
    await eventually('it says so', () =>
      expect(next.output().stdout).toContain(`Removed what an earlier run with driver ${before} had left\n`),
    );
    expect(await left()).not.toContain(mark);
    expect(await lab.curl(WEB)).toBe('192.0.2.1');
    expect(await end(next, 'SIGTERM')).toMatchObject({ code: 0, stderr: 'Stopping.\n' });
    expect(await chains()).toBe('');
  });

  it('loses no connection in the change from one mode to another', async () => {
    await end(await lab.proxy('--mode', 'nftables'), 'SIGKILL');
    const next = lab.beginProxy('--mode', 'iptables');
    const answers: string[] = [];
    while (!next.output().stdout.includes('Removed')) answers.push(await lab.curl(WEB));
    answers.push(await lab.curl(WEB));
    expect(new Set(answers)).toEqual(new Set(['192.0.2.1']));
  });

  it('warns where its Node is not there, and serves all the same', async () => {
    const { output } = await lab.proxy('--hostname-override', 'n9');
    await eventually('it warns', () => expect(output().stderr).toContain('There is no Node \\"n9\\"'));
    expect(await lab.curl(WEB)).toBe('192.0.2.1');
  });

  it('serves its pages within a kubelet too', async () => {
    const kubelet = lab.beginKubelet('n2');
    try {
      await eventually('the pages say it', async () => {
        expect(await lab.curl('http://127.0.0.1:10256/livez')).toContain('"healthy":true');
        expect(await lab.curl('http://127.0.0.1:10249/metrics')).toContain('info{mode="nftables",node="n2"} 1');
      });
    } finally {
      await end(kubelet, 'SIGTERM');
    }
  });

  it('leaves tables of iptables that were there before', async () => {
    await lab.says('iptables', '-t', 'nat', '-P', 'OUTPUT', 'ACCEPT');
    expect(await chains()).toContain('table ip nat ');
    await end(await lab.proxy('--mode', 'iptables'), 'SIGTERM');
    expect((await chains()).match(/^table .*/gm)).toEqual(['table ip nat {']);
    // After kill -9 nobody knows any more whose they were: what is empty goes.
    await end(await lab.proxy('--mode', 'iptables'), 'SIGKILL');
    expect(await lab.says(evenkeelBinary, 'service-proxy', '--cleanup')).toContain(
      'Driver nftables: it had left nothing\nDriver iptables: what it had left is removed\n',
    );
    expect(await chains()).toBe('');
  });
});

/** It ends by itself. */
async function ended(running: Running): Promise<Awaited<Running['finished']>> {
  const timer = setTimeout(() => running.child.kill('SIGKILL'), 60_000);
  const finished = await running.finished;
  clearTimeout(timer);
  return finished;
}
