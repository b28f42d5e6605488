// `evenkeel gateway --cluster`: the gateway of any cluster, one at a time by a lease.
// Knows signals and order; what is served is gateway/run-cluster.ts.
import { systemClock } from '#lib/clock.ts';
import type { Listener } from '#traffic/model/ir.ts';
import { runClusterGateway } from '../gateway/run-cluster.ts';
import { openLog } from '../main/file-log.ts';
import { Shutdown } from '../main/shutdown.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { type LeaderFlags, leaseTimesOf } from './leader-options.ts';
import { type ReportingFlags, reportingOf } from './reporting-options.ts';
import { lossOf, startElection } from './run-controllers.ts';
import { signalled } from './signals.ts';

export interface ClusterGatewayFlags extends ConnectOptions, LeaderFlags, ReportingFlags {
  readonly address: string;
  readonly httpPort?: number;
  readonly httpsPort?: number;
  readonly ingressClass: string;
  readonly publishAddress?: string;
  readonly interface?: string;
  readonly mesh: boolean;
  readonly workers: number;
  readonly adminPort: number;
  readonly drainTimeout: number;
  readonly forwarded: boolean;
  readonly node: string;
  readonly zone: string;
  readonly verbose: boolean;
}

/** Resolves when it has left. */
export async function serveClusterGateway(
  flags: ClusterGatewayFlags,
  trustedProxies: readonly string[],
): Promise<void> {
  const times = leaseTimesOf(flags);
  const log = await openLog(flags.verbose ? { verbose: true } : { stderr: 'warn' });
  const shutdown = new Shutdown(log, systemClock);
  const stop = signalled(['SIGINT', 'SIGTERM'], () => {});
  const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  // Whoever waits for a lease has nothing but timers, which keep no process alive.
  const awake = setInterval(() => {}, 60_000);
  const reporting = reportingOf(flags);
  // Standard output is the log's alone when it goes there.
  const out = reporting.accessLog?.file === '-' ? process.stderr : process.stdout;
  try {
    const { client } = await connect(flags);
    shutdown.add('client', () => client.close());
    // An address or a token that is wrong is told at once; later on the informers try until they succeed.
    await client.raw('GET', '/api/v1/namespaces?limit=1');
    const election = flags.leaderElect ? await startElection(client, flags, times, log) : undefined;
    // Given back last: nobody else may begin while addresses are still here.
    if (election !== undefined) shutdown.add('lease', () => election.stop());
    if (election !== undefined && (await Promise.race([election.won, stopped])) !== true) return;
    await runClusterGateway(
      {
        client,
        ingressListeners: listenersOf(flags),
        ingressClass: flags.ingressClass,
        ...(flags.publishAddress === undefined ? {} : { publishAddress: flags.publishAddress }),
        ...(flags.interface === undefined ? {} : { link: flags.interface }),
        ...reporting,
        mesh: flags.mesh,
        workers: flags.workers,
        adminPort: flags.adminPort,
        drainTimeout: flags.drainTimeout,
        trustedProxies,
        forwarded: flags.forwarded,
        node: flags.node,
        zone: flags.zone,
        clock: systemClock,
        log,
        onLogMoved: (reopen) => process.on('SIGHUP', reopen),
        over: Promise.race([stopped, lossOf(election)]),
        say: (line) => void out.write(`${line}\n`),
        warn: (line) => void process.stderr.write(`${line}\n`),
      },
      shutdown,
    );
  } finally {
    await shutdown.run();
    clearInterval(awake);
    log.flush();
  }
}

function listenersOf({ address, httpPort, httpsPort }: ClusterGatewayFlags): Listener[] {
  return [
    ...(httpPort === undefined ? [] : [{ name: 'http', address, port: httpPort, protocol: 'http' as const }]),
    ...(httpsPort === undefined ? [] : [{ name: 'https', address, port: httpsPort, protocol: 'https' as const }]),
  ];
}
