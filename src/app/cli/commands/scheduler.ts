// `evenkeel scheduler`: the scheduler alone, for the pods of any Kubernetes API server.
// Knows options and signals; what decides is the controller.
import { Command } from 'commander';
import { systemClock } from '#lib/clock.ts';
import { openLog } from '../../main/file-log.ts';
import { Shutdown } from '../../main/shutdown.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import { signalled } from '../signals.ts';

export function schedulerCommand(): Command {
  return new Command('scheduler')
    .summary('give the pods of any cluster their nodes')
    .description(
      'Runs the scheduler alone against an API server: pods whose schedulerName is default-scheduler get a node. It takes no lock: run one of it, and no other scheduler of that name.',
    )
    .option('--kubeconfig <file>', 'the cluster (default: the embedded one, else as kubectl finds it)')
    .option('--context <name>', 'context of that kubeconfig')
    .option('--data <dir>', 'data directory of an embedded cluster (default: ~/.evenkeel)')
    .option('--verbose', 'log in detail', false)
    .addHelpText('after', '\nExamples:\n  $ evenkeel scheduler --kubeconfig ~/.kube/config')
    .action(async (options: ConnectOptions & { verbose: boolean }) => {
      const log = await openLog(options.verbose ? { verbose: true } : { stderr: 'warn' });
      const shutdown = new Shutdown(log, systemClock);
      const stop = signalled(['SIGINT', 'SIGTERM'], () => process.stderr.write('Stopping.\n'));
      const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
      try {
        const [{ client }, { createInformers }, { startControllers }] = await Promise.all([
          connect(options),
          import('#kube/client/informer.ts'),
          import('#control/controllers/manager.ts'),
        ]);
        shutdown.add('client', () => client.close());
        // An address or a token that is wrong is told at once; later on the informers try until they succeed.
        await client.raw('GET', '/api/v1/nodes?limit=1');
        const informers = createInformers(client, { log: log.child({ part: 'informers' }), clock: systemClock });
        shutdown.add('informers', () => informers.stop());
        const starting = startControllers({ client, informers, log, clock: systemClock, only: ['scheduler'] });
        const running = await Promise.race([starting, stopped]);
        if (running === undefined) {
          starting.catch(() => {});
          return;
        }
        shutdown.add('scheduler', () => running.stop());
        process.stdout.write('Scheduling pods. Ctrl-C ends it.\n');
        await stopped;
      } finally {
        await shutdown.run();
        log.flush();
      }
    });
}
