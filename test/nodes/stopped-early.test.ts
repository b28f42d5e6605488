// Ctrl-C and SIGTERM while a cluster is still coming up: it says that it was stopped, and nothing of it stays.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import { freePorts, upArguments } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { evenkeel, evenkeelBinary, type Finished, start } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { inventory, ownRanges } from './inventory.ts';

let data: TempDir;
beforeEach(() => {
  data = tempDir('stopped');
});
afterEach(async () => {
  await evenkeel(['down', '--data', data.path]);
  data.remove();
});

const SAID = `Error: Stopped before everything was up
What had been applied is stored: start again with the same command to go on.
`;

function manifests(mark: string): string {
  const settings = Array.from(
    { length: 60 },
    (_, at) => `
apiVersion: v1
kind: ConfigMap
metadata: { name: settings-${at} }
---`,
  );
  return `${settings.join('\n')}
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: web, image: evenkeel.dev/echo, env: [{ name: MARK, value: ${mark} }] }]
`;
}

/** Sends the signal once that text has been printed. */
async function stopAt(args: readonly string[], input: string, text: string, signal: NodeJS.Signals): Promise<Finished> {
  const running = start(evenkeelBinary, args, { input, timeoutMs: 150_000 });
  await eventually(
    `"${text}" is printed`,
    () => {
      const { stdout, stderr } = running.output();
      if (!stdout.includes(text)) throw new Error(`${stdout}\n${stderr}`);
    },
    120_000,
  );
  running.child.kill(signal);
  return await running.finished;
}

test('SIGTERM while manifests are applied ends it with one sentence that is true, and 1', async () => {
  const finished = await stopAt(upArguments(['-'], data.path), manifests('none'), 'configmap/settings-1 ', 'SIGTERM');
  expect({ code: finished.code, stderr: finished.stderr }).toEqual({ code: 1, stderr: SAID });
  expect(finished.stdout).not.toContain('deployment.apps/web');
}, 180_000);

test('--detach that is interrupted says the same', async () => {
  const args = [...upArguments(['-'], data.path), '--detach'];
  const finished = await stopAt(args, manifests('none'), 'configmap/settings-1 ', 'SIGINT');
  expect({ code: finished.code, stderr: finished.stderr }).toEqual({ code: 1, stderr: SAID });
}, 180_000);

describe.runIf(kernelAllows(namespaceObstacle(), 'that three nodes which are stopped early leave nothing'))(
  'nodes',
  () => {
    const ranges = ownRanges();
    // One after the other reaches further into the start: its fabric, its nodes, its pods.
    test.each([
      'Network netns',
      'API server',
      'Gateway',
      'configmap/settings-1 ',
      'deployment.apps/web',
      'deployment default/web',
    ])(
      'leave nothing when Ctrl-C comes at "%s"',
      async (text) => {
        const mark = `mark-${process.pid}-${data.path.split('-').at(-1)}`;
        const args = ['up', '-', '--data', data.path, ...freePorts, '--nodes', '3', ...ranges.arguments];
        const { code, stderr } = await stopAt(args, manifests(mark), text, 'SIGINT');
        expect({ code, stderr }).toEqual({ code: 1, stderr: SAID });
        const nothing = { namespaces: [], links: [], routes: [], tables: [], groups: [], processes: [] };
        expect(inventory(data.path, ranges, mark)).toEqual(nothing);
      },
      180_000,
    );

    test('leave nothing when a port is taken, which is noticed while their network is made', async () => {
      const args = ['up', '--data', data.path, ...freePorts, '--nodes', '3', ...ranges.arguments];
      const { createServer } = await import('node:net');
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
      const { port } = server.address() as { port: number };
      try {
        const { code, stderr } = await evenkeel([...args, '--http-port', String(port)]);
        expect(code).toBe(1);
        expect(stderr).toContain('--http-port');
      } finally {
        server.close();
      }
      expect(inventory(data.path, ranges, 'no mark at all')).toMatchObject({ namespaces: [], links: [], routes: [] });
    }, 180_000);
  },
);
