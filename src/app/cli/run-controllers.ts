// Runs controllers as a process of their own, for any API server: waits for the lease, works, gives it back.
// Knows signals and order; which controllers they are is told by the command.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Option } from 'commander';
import type { ControllerSettings } from '#control/controllers/settings.ts';
import type { Client } from '#kube/client/client.ts';
import type { Election } from '#kube/client/leader-election.ts';
import { systemClock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { metricsListener } from '#telemetry/metrics-page.ts';
import { processMetrics } from '#telemetry/process-metrics.ts';
import { Failure } from '../failure.ts';
import { ControlMetrics } from '../main/control-metrics.ts';
import { openLog } from '../main/file-log.ts';
import { type Bind, servePages } from '../main/pages.ts';
import { Shutdown } from '../main/shutdown.ts';
import { bindParser } from './bind-option.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { type LeaderFlags, leaseTimesOf } from './leader-options.ts';
import { signalled } from './signals.ts';

export interface ControllersRun {
  /** Names of controllers; default all. */
  readonly only?: readonly string[];
  /** Printed once they work: `Scheduling pods.` */
  readonly started: string;
  readonly settings?: Partial<ControllerSettings>;
  /** Metrics say how the objects of the cluster fare, too: it has to read them all. */
  readonly measuresObjects?: boolean;
}

export interface ControllersFlags extends ConnectOptions, LeaderFlags {
  readonly metricsBindAddress: readonly Bind[];
  readonly verbose: boolean;
}

/** Of `scheduler` and `controllers`; without TLS, so that nothing is served unless somebody asks for it. */
export function metricsOption(port: number): Option {
  return new Option('--metrics-bind-address <address>', 'where to serve /metrics of the controllers, e.g. 127.0.0.1')
    .argParser(bindParser(port))
    .default([], 'off');
}

export async function runControllers(run: ControllersRun, options: ControllersFlags): Promise<void> {
  const times = leaseTimesOf(options);
  const log = await openLog(options.verbose ? { verbose: true } : { stderr: 'warn' });
  const shutdown = new Shutdown(log, systemClock);
  const stop = signalled(['SIGINT', 'SIGTERM'], () => process.stderr.write('Stopping.\n'));
  const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  // Whoever waits for a lease has nothing but timers, which keep no process alive.
  const awake = setInterval(() => {}, 60_000);
  try {
    const { client } = await connect(options);
    shutdown.add('client', () => client.close());
    // An address or a token that is wrong is told at once; later on the informers try until they succeed.
    await client.raw('GET', '/api/v1/nodes?limit=1');
    const election = options.leaderElect ? await startElection(client, options, times, log) : undefined;
    // Stopped after the controllers: nobody else may begin while they still write.
    if (election !== undefined) shutdown.add('lease', () => election.stop());
    if (election !== undefined && (await Promise.race([election.won, stopped])) !== true) return;
    await work(run, options.metricsBindAddress[0], client, log, shutdown, Promise.race([stopped, lossOf(election)]));
  } finally {
    await shutdown.run();
    clearInterval(awake);
    log.flush();
  }
}

/** Its outcome: won, and perhaps lost again. */
export async function startElection(
  client: Client,
  flags: LeaderFlags,
  times: ReturnType<typeof leaseTimesOf>,
  log: Logger,
): Promise<Election> {
  const { elect } = await import('#kube/client/leader-election.ts');
  return elect({
    client,
    clock: systemClock,
    log: log.child({ part: 'election' }),
    identity: `${hostname()}_${randomUUID()}`,
    lease: { name: flags.leaderElectResourceName, namespace: flags.leaderElectResourceNamespace },
    times,
    onLeader: (identity) => process.stdout.write(`Waiting: "${identity}" leads.\n`),
  });
}

/** Rejects when the lease is lost: what runs cannot be sure to be alone any more, so the process ends. */
export function lossOf(election: Election | undefined): Promise<void> {
  if (election === undefined) return new Promise(() => {});
  return election.lost.then(() => {
    throw new Failure(
      'The lease of the leader election was lost',
      'Another copy works now, or the API server could not be reached: start this one again',
    );
  });
}

/** Resolves with how to end it. Throws a `Failure` that names the flag when the address cannot be had. */
export function serveControlMetrics(metrics: ControlMetrics, bind: Bind | undefined): Promise<() => void> {
  const text = (format: MetricFormat): string => `${metrics.text(format)}${processMetrics(format)}`;
  return servePages([{ bind, flag: '--metrics-bind-address', listener: metricsListener(text) }]);
}

async function work(
  { only, started, settings, measuresObjects = false }: ControllersRun,
  metricsBind: Bind | undefined,
  client: Client,
  log: Logger,
  shutdown: Shutdown,
  over: Promise<void>,
): Promise<void> {
  const [{ createInformers }, { startControllers }] = await Promise.all([
    import('#kube/client/informer.ts'),
    import('#control/controllers/manager.ts'),
  ]);
  const informers = createInformers(client, { log: log.child({ part: 'informers' }), clock: systemClock });
  shutdown.add('informers', () => informers.stop());
  if (metricsBind !== undefined) {
    const metrics = new ControlMetrics(measuresObjects ? informers : undefined);
    shutdown.add('control metrics', () => metrics.stop());
    shutdown.add('metrics', await serveControlMetrics(metrics, metricsBind));
  }
  const starting = startControllers({
    client,
    informers,
    log,
    clock: systemClock,
    ...(only === undefined ? {} : { only }),
    ...(settings === undefined ? {} : { settings }),
  });
  // Whoever stops it in the middle of its start need not hear how that went.
  starting.catch(() => {});
  const running = await Promise.race([starting, over]);
  if (running === undefined) return;
  shutdown.add('controllers', () => running.stop());
  process.stdout.write(`${started} Ctrl-C ends it.\n`);
  await over;
}
