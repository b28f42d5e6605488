// Which network an `up` gets, and what is refused before anything is made: by the flag, its value and what helps.
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';
import { Failure, UsageFailure } from '../failure.ts';
import { dataDirAt } from '../main/data-dir.ts';
import { chooseNetwork, type NetworkWishes } from './choose-network.ts';

let dir: TempDir;
beforeEach(() => {
  dir = tempDir('choose');
});
afterEach(() => dir.remove());

const asRoot = () => undefined;
const asUser = () => 'this user has not the right CAP_NET_ADMIN (root has)';

function choose(wishes: Partial<NetworkWishes>, obstacle: () => string | undefined = asRoot) {
  return chooseNetwork(
    { mode: 'auto', nodes: 1, egress: false, needNamespaces: [], ...wishes },
    dataDirAt(dir.path),
    obstacle,
  );
}

function failureOf(wishes: Partial<NetworkWishes>, obstacle?: () => string | undefined): Failure {
  try {
    choose(wishes, obstacle);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('Nothing was refused');
}

describe('the mode', () => {
  test.each<[string, Partial<NetworkWishes>, () => string | undefined, string]>([
    ['one node', {}, asRoot, 'loopback'],
    ['several nodes of root', { nodes: 3 }, asRoot, 'netns'],
    ['several nodes of others', { nodes: 3 }, asUser, 'loopback'],
    ['a range of a network', { podCidr: '10.9.0.0/16' }, asRoot, 'netns'],
    ['a range of the loopback device', { nodes: 3, podCidr: '127.9.0.0/16' }, asRoot, 'loopback'],
    ['a flag that needs namespaces', { needNamespaces: ['--cni-conf'] }, asRoot, 'netns'],
  ])('for %s', (_, wishes, obstacle, mode) => {
    expect(choose(wishes, obstacle).line).toMatch(new RegExp(`^Network ${mode}: `));
  });
});

test.each<[Partial<NetworkWishes>, string, string]>([
  [{ podCidr: 'nonsense' }, '--pod-cidr "nonsense" is no range', 'e.g. 10.244.0.0/16,fd00:10:244::/48, or 127.244'],
  [{ serviceCidr: '10.1.2.3/16' }, '--service-cidr "10.1.2.3/16" has bits set', 'Give 10.1.0.0/16'],
  [{ fabricCidr: '10.1.0.0/33' }, '--fabric-cidr "10.1.0.0/33" is no range', 'e.g. 10.240.0.0/24'],
  [{ podCidr: '10.9.0.0/30' }, '--pod-cidr 10.9.0.0/30 is too small for 1 node', 'Give --pod-cidr a /26'],
  [{ podCidr: '10.9.0.0/24', nodes: 4 }, '--pod-cidr 10.9.0.0/24 is too small for 4 nodes', 'Give --pod-cidr a /23'],
  [{ podCidr: '127.9.0.0/30' }, '--pod-cidr 127.9.0.0/30 is too small for 1 node', 'Give --pod-cidr a /26'],
  [{ serviceCidr: '127.9.0.0/29' }, '--service-cidr 127.9.0.0/29 is too small', 'Give --service-cidr a /28'],
  [{ mode: 'loopback', podCidr: '10.9.0.0/16' }, '"10.9.0.0/16" is no range within 127.0.0.0/8', '--network netns'],
  [{ mode: 'netns', podCidr: '127.9.0.0/16' }, '--pod-cidr 127.9.0.0/16 holds addresses', 'Give --pod-cidr e.g. 10.'],
  [{ podCidr: '127.0.0.128/25' }, '--pod-cidr "127.0.0.128/25" meets 127.0.0.0/24', 'Give --pod-cidr e.g. 127.'],
  [{ podCidr: '127.96.4.0/24' }, '--pod-cidr 127.96.4.0/24 and --service-cidr 127.96.0.0/16 overlap', 'another range'],
  [
    { mode: 'loopback', needNamespaces: ['--fabric-cidr'] },
    '--fabric-cidr means nothing to --network loopback',
    '--network netns',
  ],
])('%j is refused as wrong usage', (wishes, message, remedy) => {
  const failure = failureOf(wishes);
  expect(failure).toBeInstanceOf(UsageFailure);
  expect(failure.message).toContain(message);
  expect(failure.remedy).toContain(remedy);
  expect(existsSync(`${dir.path}/network.json`)).toBe(false);
});

test('what leads out of the machine is said, and is planned only when it is asked for', () => {
  const { network, line } = choose({ mode: 'netns' });
  expect(network.fabric?.egress).toBeUndefined();
  expect(line).toContain('nothing outside of it (--egress opens the way)');
  const open = choose({ mode: 'netns', egress: true });
  expect(open.network.fabric?.egress?.[0]).toBe(4);
  expect(open.line).toContain('pods reach the outside of this machine as the machine does (--egress), by IPv4');
});

test('a range that needs namespaces says so to who may not make them', () => {
  const failure = failureOf({ podCidr: '10.9.0.0/16' }, asUser);
  expect(failure.message).toContain('--pod-cidr 10.9.0.0/16 needs network namespaces: this user has not the right');
  expect(failure.remedy).toContain('--network loopback');
});
