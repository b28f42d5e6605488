// What is said of a Node that is not there, or lacks what the settings rely on.
import { expect, test } from 'vitest';
import { LackTeller, nodeLacks } from './node-lacks.ts';
import { type NodeSettings, nodeFactsOf } from './node-watch.ts';

const settings: NodeSettings = {
  name: 'n1',
  clusterCidrs: [],
  detectLocal: 'NodeCIDR',
  serviceCidrs: [],
  nodePortAddresses: 'primary',
  masqueradeAll: false,
  drainMs: 0,
};
type Given = Parameters<typeof nodeLacks>[1];
const lacks = (more: Partial<NodeSettings>, node: Given): readonly string[] => {
  const all = { ...settings, ...more };
  return nodeLacks(all, node, nodeFactsOf(all, node, ['192.0.2.1']));
};
const node = (podCIDRs?: string[]): Given => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1' },
  ...(podCIDRs === undefined ? {} : { spec: { podCIDRs } }),
});

test('a Node that has everything lacks nothing', () => {
  expect(lacks({}, node(['10.244.1.0/24']))).toEqual([]);
  expect(lacks({ detectLocal: 'ClusterCIDR', clusterCidrs: ['10.244.0.0/16'] }, node())).toEqual([]);
});

test('a Node that is not there is named, with the flag', () => {
  expect(lacks({}, undefined)).toEqual([expect.stringMatching(/^There is no Node "n1": .* with --hostname-override$/)]);
});

test('pods of a Node without ranges are not known', () => {
  expect(lacks({}, node())).toEqual([expect.stringMatching(/^Node "n1" has no spec\.podCIDRs yet: .*--cluster-cidr/)]);
});

test('ranges of node ports that match nothing are named, with what there is', () => {
  expect(lacks({ nodePortAddresses: ['198.51.100.0/24'] }, node(['10.244.1.0/24']))).toEqual([
    'No address of this node is in --nodeport-addresses 198.51.100.0/24, so that node ports are not served; it has 192.0.2.1',
  ]);
});

test('each is said once, again after five minutes, and anew when it comes back', () => {
  const said: string[] = [];
  const teller = new LackTeller((message) => said.push(message));
  teller.tell(['a'], 0);
  teller.tell(['a', 'b'], 299_999);
  expect(said).toEqual(['a', 'b']);
  teller.tell(['a', 'b'], 300_000);
  expect(said).toEqual(['a', 'b', 'a']);
  teller.tell([], 300_001);
  teller.tell(['b'], 300_002);
  expect(said).toEqual(['a', 'b', 'a', 'b']);
});
