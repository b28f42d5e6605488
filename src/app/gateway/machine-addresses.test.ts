// An address that a gateway takes over from a dead one: neighbours that know the old place hear of the new one, unasked.
// Two hosts on a wire, each a network namespace.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addNamespace, ip, privilegedObstacle } from '#lib/sys/testing.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';

const DEAD = '02:00:00:00:00:99';
const module = new URL('./machine-addresses.ts', import.meta.url).href;
const clocks = new URL('../../lib/clock.ts', import.meta.url).href;

describe.runIf(kernelAllows(privilegedObstacle(), 'an address that a gateway takes over'))('an address', () => {
  let [gateway, neighbour] = ['', ''];
  beforeAll(() => {
    [gateway, neighbour] = [addNamespace('evk-gw'), addNamespace('evk-nb')];
    ip(`-n ${gateway} link add eth0 type veth peer name eth0 netns ${neighbour}`);
    for (const [name, host] of [
      [gateway, 1],
      [neighbour, 2],
    ] as const) {
      ip(`-n ${name} link set eth0 up`);
      ip(`-n ${name} address add 192.0.2.${host}/24 dev eth0`);
      ip(`-n ${name} address add 2001:db8::${host}/64 dev eth0 nodad`);
    }
  });
  afterAll(() => {
    for (const name of [gateway, neighbour]) ip(`netns del ${name}`);
  });

  test.each(['192.0.2.7', '2001:db8::7'])(
    'is told to whoever knew it elsewhere: %s',
    async (address) => {
      ip(`-n ${neighbour} neighbour replace ${address} lladdr ${DEAD} dev eth0 nud stale`);
      const program = `
        const [{ machineAddresses }, { systemClock }] = await Promise.all([import('${module}'), import('${clocks}')]);
        const addresses = machineAddresses('eth0', { clock: systemClock, warn: console.error });
        await addresses.claim('${address}');
        process.stdin.on('end', () => addresses.close()).resume();`;
      const args = ['netns', 'exec', gateway, process.execPath, '--input-type=module', '-e', program];
      const child = spawn('ip', args, { stdio: ['pipe', 'inherit', 'inherit'] });
      try {
        const hardware = /link\/ether (\S+)/.exec(ip(`-n ${gateway} link show eth0`))?.[1] ?? '';
        await eventually('the neighbour knows better', () => {
          expect(ip(`-n ${neighbour} neighbour show ${address} dev eth0`)).toContain(hardware);
        });
      } finally {
        const ended = once(child, 'exit');
        child.stdin.end();
        expect(await ended).toEqual([0, null]);
      }
      expect(ip(`-n ${gateway} address show dev eth0`)).not.toContain(address);
    },
    60_000,
  );
});
