// The shop of the examples, started for a test with its levers enabled.
// Knows where the example lies.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster, type TestCluster } from '#test/support/cluster.ts';
import { ask } from '#test/support/http.ts';
import { nameOf, type PodObject } from '#test/support/pods.ts';
import { repository } from '#test/support/run.ts';
import { tempDir } from '#test/support/temp-dir.ts';

export const shopDirectory = join(repository, 'examples', 'shop');
export const services = ['storefront', 'catalog', 'cart', 'checkout', 'payment'] as const;

/** Its autoscalers only look once unless `autoscaling`: who counts pods wants the number that the manifests name. */
export async function startShop({ autoscaling = false } = {}): Promise<TestCluster> {
  const data = tempDir('shop');
  const images = join(data.path, 'images.yaml');
  writeFileSync(
    images,
    `images: {evenkeel-shop: {command: [node, src/main.ts], workingDir: ${JSON.stringify(shopDirectory)}, env: {SHOP_KNOBS: "1"}}}\n`,
  );
  const quiet = autoscaling ? [] : ['--horizontal-pod-autoscaler-sync-period', '24h'];
  return startCluster([shopDirectory], { data, args: ['--images', images, ...quiet] });
}

/** Pulls levers of one pod. */
export async function turnKnobs(pod: PodObject, knobs: Readonly<Record<string, unknown>>): Promise<void> {
  const { status, text } = await ask(`http://${pod.status?.podIP}:8080/admin/knobs`, { method: 'POST', body: knobs });
  if (status !== 200) throw new Error(`Pod ${nameOf(pod)} answered ${status}: ${text}`);
}
