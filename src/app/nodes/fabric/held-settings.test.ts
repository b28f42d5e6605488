// Clusters that hold the same setting, in a network namespace of the test's own: the machine's is never touched.
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { labAllowed, NodeLab } from '#kube/kubelet/network/testing/node-lab.ts';
import { holdScript, releaseScript } from './held-settings.ts';

const setting = { path: 'ipv6/ip_nonlocal_bind', value: '1' };

describe.runIf(labAllowed('settings that clusters share', ['flock']))('a setting that is held', () => {
  let lab: NodeLab;
  beforeEach(() => {
    lab = new NodeLab();
  });
  afterEach(() => lab.close());

  const now = (): string => lab.sh('cat /proc/sys/net/ipv6/ip_nonlocal_bind', lab.node).trim();
  const record = (): boolean =>
    existsSync(`/run/evenkeel-settings/${lab.sh('stat -Lc %i /proc/self/ns/net', lab.node).trim()}`);
  const come = (link: string) => lab.sh(`ip link add ${link} type bridge\n${holdScript(setting, link)}`, lab.node);
  const crash = (link: string) => lab.sh(`ip link delete ${link}`, lab.node);
  const go = (link: string) => lab.sh(`ip link delete ${link}\n${releaseScript(setting, link)}`, lab.node);

  test.each(['0', '1'])('has its value of before, %s, when the last has gone, in whatever order', (before) => {
    lab.sh(`echo ${before} > /proc/sys/net/ipv6/ip_nonlocal_bind`, lab.node);
    for (const order of [
      ['ek-a', 'ek-b', 'ek-c'],
      ['ek-c', 'ek-b', 'ek-a'],
      ['ek-b', 'ek-a', 'ek-c'],
    ]) {
      for (const link of ['ek-a', 'ek-b', 'ek-c']) come(link);
      const seen = order.map((link) => {
        expect(now()).toBe('1');
        go(link);
        return now();
      });
      expect(seen).toEqual(['1', '1', before]);
      expect(record()).toBe(false);
    }
  });

  test('is not held by one whose link went without a word, and not by one that holds nothing', () => {
    come('ek-a');
    come('ek-b');
    crash('ek-a');
    // One of the same machine that needs no such setting.
    lab.sh('ip link add ek-other type bridge', lab.node);
    go('ek-b');
    expect([now(), record()]).toEqual(['0', false]);
    lab.sh(releaseScript(setting, 'ek-b'), lab.node);
    expect([now(), record()]).toEqual(['0', false]);
  });

  test('is one of nobody when many come and go at the same time', () => {
    const one = (link: string) =>
      `( ip link add ${link} type bridge\n${holdScript(setting, link)}ip link delete ${link}\n${releaseScript(setting, link)}) &`;
    lab.sh(`${Array.from({ length: 12 }, (_, at) => one(`ek-${at}`)).join('\n')}\nwait`, lab.node);
    expect([now(), record()]).toEqual(['0', false]);
  });
});
