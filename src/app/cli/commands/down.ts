// `evenkeel down`: stops the cluster of a data directory, wherever it runs.
// Knows processes and the lock file; the cluster takes itself down.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { Failure } from '../../failure.ts';
import { type DataDir, dataDirAt } from '../../main/data-dir.ts';
import { acquireLock, type Instance, isAlive, readInstance } from '../../main/instance-lock.ts';
import type { Swept } from '../../nodes/process/sweep.ts';

/** With plugins of others in its network a cluster may take this long, in milliseconds. */
const PATIENCE_MS = 30_000;
const POLL_MS = 50;

export function downCommand(): Command {
  return new Command('down')
    .summary('stop a cluster started with up')
    .description(
      'Stops the cluster of a data directory, in order, and waits until it has ended. Of one that has crashed, it ends the pods that still run. Its objects stay for the next start, unless --wipe is given.',
    )
    .option('--data <dir>', 'data directory of the cluster (default: ~/.evenkeel)')
    .option('--wipe', 'remove everything it has stored as well, and what restore has kept aside', false)
    .addHelpText('after', '\nExamples:\n  $ evenkeel down\n  $ evenkeel down --wipe')
    .action(async (options: { data?: string; wipe: boolean }) => {
      const data = dataDirAt(options.data);
      const instance = readInstance(data.lock);
      const running = instance !== undefined && isAlive(instance);
      if (running) {
        await stop(instance);
        process.stdout.write(`Stopped process ${instance.pid}\n`);
      }
      // Also of one that ran: a node may have been killed before, or the cluster itself a moment ago.
      const { processes, network, plugins } = await endLeftovers(data);
      if (processes > 0 || network) {
        process.stdout.write(
          `Ended ${processes} processes${network ? ', and removed the network,' : ''} that a crash had left behind\n`,
        );
      } else if (!running) process.stdout.write(`Nothing runs on ${data.root}\n`);
      tellPlugins(plugins);
      if (options.wipe) {
        for (const path of [
          data.store,
          `${data.store}-wal`,
          `${data.store}-shm`,
          data.pki,
          data.kubeconfig,
          data.images,
          data.logs,
          data.pods,
          data.nodes,
          data.network,
          data.fabric,
          data.lock,
          ...(await setAside(data)),
        ]) {
          await rm(path, { recursive: true, force: true });
        }
        process.stdout.write(`Removed what was stored in ${data.root}\n`);
      }
    });
}

/** What restoring has kept of clusters before this one, and what was saved of a damaged store. */
async function setAside({ root }: DataDir): Promise<string[]> {
  const names = existsSync(root) ? await readdir(root) : [];
  return names.filter((name) => /^(before-restore|salvaged)-\d/.test(name)).map((name) => join(root, name));
}

/** What CNI plugins hold for pods is theirs to give back. */
function tellPlugins({ released, kept, why }: Swept['plugins']): void {
  if (released > 0) process.stdout.write(`Told the CNI plugins of the end of ${released} pods\n`);
  if (kept > 0) {
    const reason = why.length === 0 ? '' : `: ${[...new Set(why)].join('; ')}`;
    process.stderr.write(`Warning: the CNI plugins could not be told of the end of ${kept} pods${reason}\n`);
  }
}

/** A cluster that was killed could not end its pods; how many of their processes ran on. */
async function endLeftovers(data: DataDir): Promise<Swept> {
  if (!existsSync(data.root)) return { processes: 0, network: false, plugins: { released: 0, kept: 0, why: [] } };
  const [{ sweepNode }, { sweepNodes }] = await Promise.all([
    import('../../nodes/process/places.ts'),
    import('../../nodes/process/sweep.ts'),
  ]);
  // A cluster that starts this moment must not lose its new pods.
  const lock = acquireLock(data.lock, data.root);
  try {
    const own = await sweepNode(data.pods, systemClock);
    const swept = await sweepNodes(data, systemClock);
    return { ...swept, processes: own + swept.processes };
  } finally {
    lock.release();
  }
}

async function stop(instance: Instance): Promise<void> {
  process.kill(instance.pid, 'SIGTERM');
  const deadline = performance.now() + PATIENCE_MS;
  while (isAlive(instance)) {
    if (performance.now() > deadline) {
      throw new Failure(
        `Process ${instance.pid} has not ended after ${PATIENCE_MS / 1000} s`,
        `End it with "kill -9 ${instance.pid}"`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
