// `evenkeel down`: stops the cluster of a data directory, wherever it runs.
// Knows processes and the lock file; the cluster takes itself down.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Command } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { Failure } from '../../failure.ts';
import { type DataDir, dataDirAt } from '../../main/data-dir.ts';
import { acquireLock, type Instance, isAlive, readInstance } from '../../main/instance-lock.ts';

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
    .option('--wipe', 'remove everything it has stored as well', false)
    .addHelpText('after', '\nExamples:\n  $ evenkeel down\n  $ evenkeel down --wipe')
    .action(async (options: { data?: string; wipe: boolean }) => {
      const data = dataDirAt(options.data);
      const instance = readInstance(data.lock);
      if (instance !== undefined && isAlive(instance)) {
        await stop(instance);
        process.stdout.write(`Stopped process ${instance.pid}\n`);
      } else {
        const { processes, network } = await endLeftovers(data);
        process.stdout.write(
          processes === 0 && !network
            ? `Nothing runs on ${data.root}\n`
            : `Ended ${processes} processes${network ? ', and removed the network,' : ''} that a crash had left behind\n`,
        );
      }
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
          data.fabric,
          data.lock,
        ]) {
          await rm(path, { recursive: true, force: true });
        }
        process.stdout.write(`Removed what was stored in ${data.root}\n`);
      }
    });
}

/** A cluster that was killed could not end its pods; how many of their processes ran on. */
async function endLeftovers(data: DataDir): Promise<{ processes: number; network: boolean }> {
  if (!existsSync(data.root)) return { processes: 0, network: false };
  const [{ sweepLeftovers }, { sweepNodes }] = await Promise.all([
    import('#kube/kubelet/process/leftovers.ts'),
    import('../../nodes/process/sweep.ts'),
  ]);
  // A cluster that starts this moment must not lose its new pods.
  const lock = acquireLock(data.lock, data.root);
  try {
    const own = existsSync(data.pods) ? await sweepLeftovers(data.pods, systemClock) : 0;
    const { processes, network } = await sweepNodes(data, systemClock);
    return { processes: own + processes, network };
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
