// Layer 2 with real speakers in namespaces: who answers for an address, what moves and what does not, and how fast.
// Asked with arping, ndisc6 and connections of a client on the same network.

import type { Event } from 'kubernetes-types/core/v1.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { elect } from '#traffic/model/announce/election.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { hasTool } from '../support/tools.ts';
import { CLIENT, Lab, LINK } from './lab.ts';

const wanted = 'announcing addresses by layer 2';
const possible =
  kernelAllows(privilegedObstacle(), wanted) && ['arping', 'ndisc6', 'curl'].every((tool) => hasTool(tool, wanted));

const VIP = '192.0.2.200';
const VIP6 = '2001:db8:7::f007';
const NODES = ['n1', 'n2', 'n3'];
/** Of a takeover: the promise is below one second, and a test machine may be busy with much else. */
const TAKEOVER_MS = 3_000;

describe.skipIf(!possible)('three speakers', { timeout: 240_000 }, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = new Lab();
    await lab.start(3);
  }, 120_000);
  afterEach(() => lab.clear());
  afterAll(() => lab.remove());

  const holder = (address: string): Promise<string> =>
    eventually(
      `somebody answers at ${address}`,
      async () => {
        const name = await lab.whoAnswers(address, 1_000);
        if (name === undefined) throw new Error(`Nobody; the client knows ${lab.neighbour(address)}`);
        return name;
      },
      60_000,
    );
  /** Milliseconds from now until somebody else than `old` answers. */
  const untilOther = async (address: string, old: string): Promise<{ ms: number; name: string }> => {
    const from = performance.now();
    const name = await eventually(
      `another than ${old} answers at ${address}`,
      async () => {
        const who = await lab.whoAnswers(address, 150);
        if (who === undefined || who === old) throw new Error(`${who}`);
        return who;
      },
      30_000,
    );
    return { ms: performance.now() - from, name };
  };
  const asking = async (address: string): Promise<string[]> => {
    const tool = address.includes(':')
      ? ['ndisc6', '-m', '-w', '1000', address, LINK]
      : ['arping', '-c', '2', '-w', '5', '-I', LINK, '-s', CLIENT, address];
    const said = await lab.in(lab.client, 'sh', '-c', `${tool.join(' ')} 2>&1 || true`);
    return [...new Set([...said.matchAll(/(?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2}/gi)].map(([mac]) => mac.toLowerCase()))];
  };

  it('one of them answers, for both families, and none for what nobody has', async () => {
    await lab.pool();
    await lab.service('web', [VIP, VIP6], NODES);
    const speakers = await Promise.all(NODES.map((name) => lab.speaker(name)));
    const first = await holder(VIP);
    expect(await holder(VIP6)).toBe(first);
    const hardware = lab.hardwareOf(lab.node(first));
    expect(await asking(VIP)).toEqual([hardware]);
    expect(await asking(VIP6)).toEqual([hardware]);
    expect(await asking('192.0.2.201')).toEqual([]);
    expect(await asking('2001:db8:7::f008')).toEqual([]);
    // Addresses of other hosts are theirs to answer for.
    expect(await asking(lab.node('n2').address)).toEqual([lab.hardwareOf(lab.node('n2'))]);
    const at = NODES.indexOf(first);
    const metrics = await speakers[at]?.page('/metrics');
    expect(metrics).toContain('evenkeel_l2_held_addresses 2');
    expect(metrics).toContain('evenkeel_speaker_alive_peers 2');
    await eventually('an event tells of it', async () => {
      const { items } = await lab.api.list<Event>(builtin('Event'), { namespace: 'shop' });
      const told = items.filter(({ reason }) => reason === 'nodeAssigned');
      expect(told.map(({ message }) => message)).toContain(`announcing from node "${first}" with protocol "layer2"`);
    });
  });

  it('another takes over when one is killed or cut off, and only what that one had', async () => {
    await lab.pool();
    const addresses = Array.from({ length: 6 }, (_, at) => `192.0.2.${200 + at}`);
    for (const [at, address] of addresses.entries()) await lab.service(`s${at}`, [address], NODES);
    const speakers = new Map(await Promise.all(NODES.map(async (name) => [name, await lab.speaker(name)] as const)));
    const before = new Map<string, string>();
    for (const address of addresses) before.set(address, await holder(address));
    const victim = before.get(VIP) ?? '';
    lab.cut(victim);
    speakers.get(victim)?.signal('SIGKILL');
    const { ms } = await untilOther(VIP, victim);
    process.stderr.write(`The address answered again ${Math.round(ms)} ms after its node had died\n`);
    expect(ms).toBeLessThan(TAKEOVER_MS);
    for (const [address, name] of before) {
      const now = await holder(address);
      if (name === victim) expect(now).not.toBe(victim);
      else expect(now).toBe(name);
    }
  });

  it('a speaker that is told to end hands over before it ends', async () => {
    await lab.pool();
    await lab.service('web', [VIP], NODES);
    const speakers = new Map(await Promise.all(NODES.map(async (name) => [name, await lab.speaker(name)] as const)));
    const first = await holder(VIP);
    const ended = speakers.get(first)?.end();
    const { ms } = await untilOther(VIP, first);
    process.stderr.write(`The address was handed over within ${Math.round(ms)} ms\n`);
    expect(ms).toBeLessThan(TAKEOVER_MS);
    await ended;
  });

  it('with policy Local an address is where its endpoints are, and moves only when it must', async () => {
    await lab.pool();
    await lab.service('web', [VIP], ['n2'], { externalTrafficPolicy: 'Local' });
    await Promise.all(NODES.map((name) => lab.speaker(name)));
    expect(await holder(VIP)).toBe('n2');
    const first = elect(
      NODES.map((node) => ({ node, serves: 1, preference: 0 })),
      VIP,
    );
    const [other = '', third = ''] = NODES.filter((name) => name !== first);
    const arrives = (name: string | undefined): Promise<void> =>
      eventually(`it is with ${name}`, async () => expect(await lab.whoAnswers(VIP)).toBe(name), 30_000);
    await lab.endpoints('web', NODES);
    await arrives(first);
    // One that leaves, and is not the one, moves nothing.
    await lab.endpoints('web', [first ?? '', third]);
    for (let count = 0; count < 10; count++) expect(await holder(VIP)).toBe(first);
    await lab.endpoints('web', [other]);
    await arrives(other);
  });

  it('nodes that are cordoned give their addresses away, and take them back', async () => {
    await lab.pool();
    await lab.service('web', [VIP], NODES);
    await Promise.all(NODES.map((name) => lab.speaker(name)));
    const first = await holder(VIP);
    const cordon = (unschedulable: boolean): Promise<unknown> =>
      lab.api.patch(builtin('Node'), first, undefined, 'merge', { spec: { unschedulable } });
    await cordon(true);
    const { name } = await untilOther(VIP, first);
    await cordon(false);
    expect((await untilOther(VIP, name)).name).toBe(first);
  });

  it('both sides of a cut answer on their side, and one of them after it', async () => {
    await lab.pool();
    await lab.service('web', [VIP], NODES);
    await Promise.all(NODES.map((name) => lab.speaker(name)));
    const first = await holder(VIP);
    lab.cut(first);
    await untilOther(VIP, first);
    lab.mend(first);
    const hardware = lab.hardwareOf(lab.node(first));
    await eventually('it is with the first alone', async () => expect(await asking(VIP)).toEqual([hardware]), 60_000);
    // Who learned of the other place meanwhile is told.
    await eventually('the first has it again', async () => expect(await lab.whoAnswers(VIP)).toBe(first), 60_000);
  });
});
