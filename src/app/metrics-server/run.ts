// Runs the server of metrics from its first question to its last answer: one ordered list of parts.
// Knows every part by its door.
import type { Client } from '#kube/client/client.ts';
import { systemClock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { Failure, messageOf } from '../failure.ts';
import { withPrometheus } from '../main/measured.ts';
import type { Shutdown } from '../main/shutdown.ts';
import type { PrometheusSource } from '../measures/prometheus/open-prometheus.ts';
import { Caller, readTrust, type Trust } from './caller.ts';
import { foreignHome } from './foreign-home.ts';
import { type ApiName, register } from './register.ts';
import { serveMetricsApi } from './serve.ts';

export interface MetricsServerOptions {
  readonly client: Client;
  readonly address: string;
  readonly port: number;
  readonly service: { readonly namespace: string; readonly name: string };
  readonly advertiseAddress: string | undefined;
  /** Registered with the API server. */
  readonly apis: readonly ApiName[];
  readonly prometheus: PrometheusSource | undefined;
  readonly log: Logger;
}

/** Resolves with the port once it answers and is registered. */
export async function startMetricsServer(options: MetricsServerOptions, shutdown: Shutdown): Promise<number> {
  const { client, service, advertiseAddress, log } = options;
  const clock = systemClock;
  const [{ createInformers }, { createAuthority }] = await Promise.all([
    import('#kube/client/informer.ts'),
    import('#traffic/identity/authority.ts'),
  ]);
  // 1. Whom to believe, before anybody can ask.
  const trust = await trustOf(client);
  // 2. What there is to tell.
  const informers = createInformers(client, { log: log.child({ part: 'informers' }), clock });
  shutdown.add('informers', () => informers.stop());
  const measured = await withPrometheus([], options.prometheus, { log, clock }, shutdown);
  const home = foreignHome({ client, informers, measured, clock, log });
  informers.start();
  await informers.synced();
  // 3. A certificate of its own: whoever registers it says by which authority it is known.
  const authority = await createAuthority({ commonName: 'Evenkeel metrics authority', days: 365 });
  const { namespace, name } = service;
  const host = `${name}.${namespace}.svc`;
  const dnsNames = [host, `${name}.${namespace}`, `${host}.cluster.local`];
  const { certPem, keyPem } = await authority.issue({ commonName: host, dnsNames });
  const listener = await serveMetricsApi({
    address: options.address,
    port: options.port,
    tls: { certPem, keyPem, clientCaPem: `${trust.clientCaPem}\n${trust.proxyCaPem}` },
    home,
    caller: new Caller(client, trust, clock),
    log,
  });
  shutdown.add('listener', () => listener.close(500));
  // 4. Known to others last, when it answers.
  const endpoint = advertiseAddress === undefined ? undefined : { address: advertiseAddress, port: listener.port };
  if (options.apis.length > 0) {
    await register(client, { service, apis: options.apis, caPem: authority.certPem, endpoint });
  }
  return listener.port;
}

async function trustOf(client: Client): Promise<Trust> {
  try {
    return await readTrust(client);
  } catch (error) {
    throw new Failure(
      `Cannot read the ConfigMap "extension-apiserver-authentication" of kube-system: ${messageOf(error)}`,
      'Bind the Role extension-apiserver-authentication-reader of kube-system to this identity',
      { cause: error },
    );
  }
}
