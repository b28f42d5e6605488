// examples/mesh, as its README says.
// Knows the CLI from the outside.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { findKubectl, type Kubectl, kubectlFor } from '../support/kubectl.ts';
import { repository } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';

const found = await findKubectl('current');
if ('missing' in found) console.warn(`Skipped: ${found.missing}`);
const whenKubectl = test.skipIf('missing' in found);
let cluster: TestCluster;
let home: TempDir;
let kubectl: Kubectl;
beforeAll(async () => {
  if ('missing' in found) return;
  cluster = await startCluster([join(repository, 'examples', 'mesh')]);
  home = tempDir('home');
  kubectl = kubectlFor(found.path, cluster.kubeconfig, home.path);
}, 120_000);
afterAll(async () => {
  await cluster?.remove();
  home?.remove();
});

/** Versions that answered a pod, and who marked the answers. */
async function asked(namespace: string, deployment: string, headers: object = {}): Promise<string[]> {
  const ask = `fetch("http://catalog.shop:8080/", ${JSON.stringify({ headers })}).then(async (answer) => [(await answer.json()).version, answer.headers.get("x-route")].join(" "))`;
  const script = `(async () => { const all = []; for (let i = 0; i < 20; i++) all.push(await ${ask}); console.log(JSON.stringify(all)); })()`;
  return JSON.parse(
    await kubectl(['exec', '-n', namespace, `deploy/${deployment}`, '--', 'node', '-e', script]),
  ) as string[];
}

whenKubectl(
  'a tenth of the requests goes to the new version, and all that ask for it',
  async () => {
    await eventually('the split is there', async () => {
      expect((await asked('shop', 'catalog')).filter((one) => one === 'next ')).toHaveLength(2);
    });
    expect(new Set(await asked('shop', 'catalog', { 'x-canary': 'always' }))).toEqual(new Set(['next ']));
  },
  60_000,
);

whenKubectl(
  'clients of a namespace that has a route of its own meet that one',
  async () => {
    await eventually('the route of the client is there', async () => {
      expect(new Set(await asked('app', 'client'))).toEqual(new Set(['now of-the-client']));
    });
  },
  60_000,
);
