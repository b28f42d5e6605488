// What the question costs whether a node may read a Secret, at 10,000 pods of 100 nodes that refer to one each.
// Knows the registry and the authorizer; `npx vitest bench --run src/kube/apiserver/authz/nodes`.
import { test } from 'vitest';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { silentLogger } from '#lib/log.ts';
import { Registry } from '../registry/registry.ts';
import type { Attributes } from './attributes.ts';
import { allowAll } from './authorizer.ts';
import { NodeGraph } from './node-graph.ts';
import { restrictNodes } from './nodes.ts';

const store = createMemoryStore();
const registry = new Registry(store, silentLogger);
const { collection } = registry.builtin('', 'v1', 'pods');
for (let index = 0; index < 10_000; index++) {
  const name = `p${index}`;
  await collection.put(
    collection.keyOf('default', name),
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: {
        nodeName: `n${index % 100}`,
        serviceAccountName: 'default',
        volumes: [{ name: 's', secret: { secretName: `s${index}` } }],
      },
    },
    0,
  );
}
const authorizer = restrictNodes(allowAll, registry, new NodeGraph(registry));
const user = { name: 'system:node:n42', groups: ['system:nodes'] };
const asked = (name: string): Attributes => ({
  kind: 'resource',
  verb: 'get',
  group: '',
  version: 'v1',
  resource: 'secrets',
  subresource: '',
  namespace: 'default',
  name,
});
const [own, other] = [asked('s9942'), asked('s9943')];
if (!authorizer.authorize(user, own).allowed) throw new Error('A node may not read what its pod refers to');

test('a question at 10,000 pods', { timeout: 120_000 }, async ({ bench }) => {
  await bench('a Secret that a pod of the node has', () => void authorizer.authorize(user, own)).run();
  await bench('a Secret of another node', () => void authorizer.authorize(user, other)).run();
});
