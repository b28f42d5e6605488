// Nodes that come and go at a real API server: who has which range.
// Plays no kubelet.
import type { Event, Node } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { eventually } from '#test/support/eventually.ts';
import { startWorld, type World } from '../testing/world.ts';

const NODES = builtin('Node');

let world: World;
beforeEach(async () => {
  world = await startWorld({
    only: ['node-ipam'],
    nodes: [],
    settings: {
      nodeCidrs: [
        { cidr: '10.244.0.0/23', nodePrefix: 24 },
        { cidr: 'fd00:10:244::/62', nodePrefix: 64 },
      ],
    },
  });
});
afterEach(() => world.close());

const add = (name: string, spec: Node['spec'] = {}): Promise<Node> =>
  world.client.create<Node>(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec });
const rangesOf = async (name: string): Promise<unknown> => (await world.client.get<Node>(NODES, name)).spec;

test('every node has a range of each family, and one that comes again is another', async () => {
  await add('has-its-own', { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] });
  await add('first');
  await eventually('ranges of the first node', async () =>
    expect(await rangesOf('first')).toMatchObject({
      podCIDR: '10.244.1.0/24',
      podCIDRs: ['10.244.1.0/24', 'fd00:10:244::/64'],
    }),
  );
  await add('second');
  await eventually('a word about the second node', async () => {
    const { items } = await world.client.list<Event>(builtin('Event'));
    const about = items.find(
      ({ involvedObject, reason }) => reason === 'CIDRNotAvailable' && involvedObject.name === 'second',
    );
    expect(about?.message).toContain('10.244.0.0/23');
  });
  expect(await rangesOf('second')).not.toHaveProperty('podCIDRs');
  await world.client.delete(NODES, 'first');
  await add('first');
  await eventually('ranges of the node that came again', async () =>
    expect(await rangesOf('first')).toMatchObject({ podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'] }),
  );
});
