// The gateway of a cluster as a process of its own: what Gateways and Ingresses of its API say is served on this machine.
// Knows no command line; it works from the moment in which it is alone until it is told to leave.
import { startTraffic } from '#control/controllers/traffic/index.ts';
import type { Client } from '#kube/client/client.ts';
import { createInformers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Reporting } from '#telemetry/reporting.ts';
import type { Listener, TrafficSink } from '#traffic/model/ir.ts';
import { type Engine, startEngine } from '#traffic/proxy/engine.ts';
import { DrainSwitch } from '../admin/drain-switch.ts';
import { startAdmin } from '../admin/server.ts';
import { listenFailure } from '../main/ports.ts';
import type { Shutdown } from '../main/shutdown.ts';
import { machineAddresses } from './machine-addresses.ts';

const ADMIN_ADDRESS = '127.0.0.1';

export interface ClusterGatewayOptions extends Reporting {
  readonly client: Client;
  /** Where Ingresses are served; nowhere when empty. */
  readonly ingressListeners: readonly Listener[];
  readonly ingressClass: string;
  /** What stands in the status of Ingresses. */
  readonly publishAddress?: string;
  /** Interface that addresses of Gateways are brought to. */
  readonly link?: string;
  /** Routes of Services are told what became of them; proxies of nodes serve them. */
  readonly mesh: boolean;
  readonly workers: number;
  readonly adminPort: number;
  /** Milliseconds. */
  readonly drainTimeout: number;
  readonly trustedProxies: readonly string[];
  readonly forwarded: boolean;
  readonly node: string;
  readonly zone: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Calls back whenever the file of the access log was moved away. */
  readonly onLogMoved: (reopen: () => void) => void;
  /** Resolves when it should leave, rejects when it must not go on. */
  readonly over: Promise<void>;
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** Resolves when it has been told to leave and what was under way is done. Throws a `Failure` when it cannot start. */
export async function runClusterGateway(options: ClusterGatewayOptions, shutdown: Shutdown): Promise<void> {
  const { client, clock, log, over, say } = options;
  const engine = await startEngine({
    workers: options.workers,
    node: options.node,
    zone: options.zone,
    log: log.child({ part: 'engine' }),
    trustedProxies: options.trustedProxies,
    forwarded: options.forwarded,
    ...(options.accessLog && { accessLog: options.accessLog }),
    ...(options.traces && { traces: options.traces }),
  });
  shutdown.add('engine', () => engine.close());
  options.onLogMoved(() => engine.reopenLog());
  const failed = watchListeners(engine, options);
  const drained = new DrainSwitch(engine, options.drainTimeout, log);
  const admin = await startAdmin({
    address: ADMIN_ADDRESS,
    port: options.adminPort,
    engine,
    ready: () => !shutdown.begun && !drained.on,
    drain: () => drained.begin(),
    log: log.child({ part: 'admin' }),
  }).catch((error: unknown) => {
    throw listenFailure(error, options.adminPort, ADMIN_ADDRESS, '--admin-port');
  });
  shutdown.add('admin', () => admin.close());
  const informers = createInformers(client, { clock, log: log.child({ part: 'informers' }) });
  shutdown.add('informers', () => informers.stop());
  informers.start();
  const addresses = machineAddresses(options.link, { clock, warn: (message) => log.warn({}, message) });
  shutdown.add('addresses', () => addresses.close());
  const starting = startTraffic({
    client,
    informers,
    sink: withoutServices(engine),
    listeners: options.ingressListeners,
    ingressClass: options.ingressClass,
    gatewayAddresses: addresses,
    referencedSecretsOnly: true,
    mesh: options.mesh,
    ...(options.publishAddress === undefined ? {} : { publishAddress: options.publishAddress }),
    log: log.child({ part: 'traffic' }),
    clock,
  });
  // Whoever stops it in the middle of its start need not hear how that went.
  starting.catch(() => {});
  const traffic = await Promise.race([starting, over, failed]);
  if (traffic === undefined) return;
  shutdown.add('traffic', () => traffic.stop());
  await engine.ready();
  say(`Serving Gateways${options.ingressListeners.length === 0 ? '' : ' and Ingresses'}. Admin ${admin.url}/`);
  await Promise.race([over, failed]);
  say('Draining: what is under way finishes, nothing new is taken');
  await engine.drain(options.drainTimeout);
}

/** Services are the proxies' of the nodes; this process opens no socket for them. */
function withoutServices(engine: Engine): TrafficSink {
  return {
    publish: ({ services: _services, ...update }) => engine.publish(update),
    applied: () => engine.applied(),
    listenErrors: () => engine.listenErrors(),
  };
}

/** A port for Ingresses is asked for on the command line; one of a Gateway is told in the Gateway's status. */
function watchListeners(engine: Engine, { ingressListeners, warn }: ClusterGatewayOptions): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  engine.onListenError((name, error) => {
    const own = ingressListeners.find((listener) => listener.name === name);
    if (own === undefined) warn(`Cannot listen for "${name}": ${error.message}`);
    else reject(listenFailure(error, own.port, own.address, name === 'https' ? '--https-port' : '--http-port'));
  });
  return promise;
}
