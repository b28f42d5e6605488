// LoadBalancer addresses of a cluster of `up` on the fabric: reached from the machine, and from elsewhere once a node dies.
// Knows the CLI and curl from the outside.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { libcObstacle } from '#lib/sys/libc.ts';
import { ownRanges } from '../nodes/inventory.ts';
import { logOf, startCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { echoManifests } from '../support/manifests.ts';
import { evenkeelBinary, mustRun, run, start } from '../support/run.ts';

const obstacle = namespaceObstacle() ?? libcObstacle();
/** The promise is below one second; a test machine may be busy with much else. */
const FAILOVER_MS = 3_000;

describe.runIf(kernelAllows(obstacle, 'failover of LoadBalancer addresses'))('three nodes', () => {
  test('an address answers to the machine, and again soon after its node was killed', async () => {
    const ranges = ownRanges();
    // Of both families, which the echo server is not.
    const program = `require('node:http').createServer((_, response) => response.end('ok')).listen(8080)`;
    const container = { command: ['node', '-e', program] };
    const manifests = echoManifests({ name: 'web', namespace: 'shop', replicas: 6, container });
    const service = `
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec:
  type: LoadBalancer
  ipFamilyPolicy: PreferDualStack
  selector: {app.kubernetes.io/name: web}
  ports: [{port: 80, targetPort: http}]
`;
    const args = ['--network', 'netns', '--nodes', '3', ...ranges.arguments];
    const cluster = await startCluster(['-'], { input: `${manifests}\n---${service}`, args });
    try {
      const addresses = await eventually('the Service has addresses', async () => {
        const { status } = await cluster.get<Service & KubeObject>('Service', 'front', 'shop');
        const ips = (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip);
        expect(ips.length).toBeGreaterThan(0);
        return ips;
      });
      const curl = (address: string, seconds: string): Promise<{ code: number | null }> =>
        run('curl', [
          '-sS',
          '-o',
          '/dev/null',
          '-f',
          '--max-time',
          seconds,
          `http://${address.includes(':') ? `[${address}]` : address}/`,
        ]);
      for (const address of addresses) {
        await eventually(
          `${address} answers`,
          async () => expect((await curl(address, '2')).code, logOf(cluster.data)).toBe(0),
          60_000,
        );
      }
      const [vip = ''] = addresses;
      const hardware = (): string | undefined =>
        /lladdr (\S+)/.exec(spawnSync('ip', ['neighbour', 'show', vip], { encoding: 'utf8' }).stdout)?.[1];
      const before = hardware();
      expect(before).toBeDefined();
      const { owner } = JSON.parse(readFileSync(join(cluster.data, 'fabric.json'), 'utf8')) as { owner: string };
      const ipSays = (...words: string[]): string => spawnSync('ip', words, { encoding: 'utf8' }).stdout;
      const isWith = (name: string): boolean =>
        ipSays('-n', `${owner}-${name}`, 'link', 'show', 'eth0').includes(hardware() ?? '-');
      const holder = ['node-1', 'node-2', 'node-3'].find(isWith);
      if (holder === undefined) throw new Error(`No node has ${before}`);
      await eventually('an event tells of it', async () => {
        const events = await cluster.list<KubeObject & { reason?: string; message?: string }>('Event', 'shop');
        const told = events.filter(({ reason }) => reason === 'nodeAssigned').map(({ message }) => message);
        expect(told).toContain(`announcing from node "${holder}" with protocol "layer2"`);
      });
      const killing = start(evenkeelBinary, ['node', 'kill', holder, '--data', cluster.data]);
      const isPlugged = (): boolean => ipSays('-n', `${owner}-fabric`, '-o', 'link').includes(` ${holder}@`);
      await eventually('the node is off the network', () => expect(isPlugged()).toBe(false), 60_000);
      const died = performance.now();
      await eventually('another node has the address', () => expect(hardware()).not.toBe(before), 30_000);
      const moved = performance.now() - died;
      process.stderr.write(
        `The address was with another node ${Math.round(moved)} ms after its own was off the network\n`,
      );
      expect(moved).toBeLessThan(FAILOVER_MS);
      // Endpoints that died with the node are tried until the API knows.
      await eventually('it answers again', async () => expect((await curl(vip, '1')).code).toBe(0), 30_000);
      expect((await killing.finished).code).toBe(0);
      await mustRun(evenkeelBinary, ['node', 'start', holder, '--data', cluster.data]);
      await eventually('the node has it again', () => expect(isWith(holder)).toBe(true), 60_000);
      await eventually('it answers still', async () => expect((await curl(vip, '2')).code).toBe(0), 60_000);
    } finally {
      await cluster.remove();
    }
  }, 240_000);
});
