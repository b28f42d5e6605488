// Writes into the status of our Ingresses where the gateway can be reached.
// Knows nothing of routes; writes only when the status says something else.
import type { Ingress } from 'kubernetes-types/networking/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { splitKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { createWorkQueue, type WorkQueue } from '#kube/client/work-queue.ts';
import type { Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { Logger } from '#lib/log.ts';

const INGRESSES = builtin('Ingress');
const FIELD_MANAGER = 'evenkeel-ingress-controller';

export interface IngressStatusOptions {
  readonly client: Client;
  /** IP address or hostname. */
  readonly publishAddress: string;
  /** The Ingress if it is ours. */
  readonly findOwned: (key: string) => (Ingress & KubeObject) | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A queue of Ingress keys; each run makes one status right. */
export function createIngressStatusQueue(options: IngressStatusOptions): WorkQueue {
  const { client, publishAddress, findOwned, clock, log } = options;
  const loadBalancer = { ingress: [isIp(publishAddress) ? { ip: publishAddress } : { hostname: publishAddress }] };
  return createWorkQueue(
    'ingress-status',
    async (key) => {
      const ingress = findOwned(key);
      if (ingress === undefined || jsonEqual(ingress.status?.loadBalancer, loadBalancer)) return;
      const { namespace, name } = splitKey(key);
      try {
        await client.patch(
          INGRESSES,
          name,
          namespace,
          'merge',
          { status: { loadBalancer } },
          { subresource: 'status', fieldManager: FIELD_MANAGER },
        );
      } catch (error) {
        // Deleted meanwhile: there is no status left to write.
        if (!isStatus(error, 404)) throw error;
      }
    },
    { clock, log },
  );
}

function isIp(address: string): boolean {
  return address.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(address);
}
