// The controllers with the client and the informers that every part of this process shares.
// Knows the API by its address only, and no node.
import type { ControllerSettings } from '#control/controllers/settings.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { ensureBuiltinObjects } from './builtin-objects.ts';
import { ControlMetrics } from './control-metrics.ts';
import { ensureGatewayObjects } from './gateway-objects.ts';
import { ensureLoadBalancerObjects } from './load-balancer-objects.ts';
import { INGRESS_CLASS } from './network.ts';
import type { Pki } from './pki.ts';
import type { Shutdown } from './shutdown.ts';

/** By the authority that the API server takes client certificates of. */
function signerOf({ authority }: Pki): ControllerSettings['signCertificate'] {
  return async (request, terms) => {
    const { signRequest } = await import('#traffic/identity/sign-request.ts');
    return signRequest(authority, request, terms);
  };
}

interface ControlPlaneOptions {
  readonly settings: Partial<ControllerSettings>;
  readonly apiUrl: string;
  readonly pki: Pki;
  /** Of the pool for LoadBalancer Services; without any there is none. */
  readonly balancerCidrs?: readonly string[];
  readonly log: Logger;
  readonly clock: Clock;
}

/** One client and one set of informers for the whole process: each kind is watched once. */
export async function startControlPlane(
  options: ControlPlaneOptions,
  shutdown: Shutdown,
): Promise<{ client: Client; informers: Informers; metrics: ControlMetrics }> {
  const { apiUrl, pki, log, clock } = options;
  const [{ createClient }, { createInformers }, { startControllers }] = await Promise.all([
    import('#kube/client/rest-client.ts'),
    import('#kube/client/informer.ts'),
    import('#control/controllers/manager.ts'),
  ]);
  const client = createClient(
    {
      server: apiUrl,
      caPem: pki.authority.certPem,
      clientCertPem: pki.admin.certPem,
      clientKeyPem: pki.admin.keyPem,
      userAgent: 'evenkeel',
    },
    { log: log.child({ part: 'client' }), clock },
  );
  shutdown.add('client', () => client.close());
  const informers = createInformers(client, { log: log.child({ part: 'informers' }), clock });
  shutdown.add('informers', () => informers.stop());
  await Promise.all([
    ensureBuiltinObjects(client, INGRESS_CLASS),
    ensureLoadBalancerObjects(client, options.balancerCidrs ?? [], clock),
    ensureGatewayObjects(client, clock),
  ]);
  const metrics = new ControlMetrics(informers);
  shutdown.add('control metrics', () => metrics.stop());
  const controllers = await startControllers({
    client,
    informers,
    settings: { signCertificate: signerOf(pki), ...options.settings },
    log: log.child({ part: 'controllers' }),
    clock,
  });
  shutdown.add('controllers', () => controllers.stop());
  informers.start();
  return { client, informers, metrics };
}
