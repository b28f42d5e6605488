// Keeps the Service of each Gateway of ours as it should be, and removes it when the Gateway is not ours any more.
// Knows no address; touches no Service that somebody else has made.
import type { Service } from 'kubernetes-types/core/v1.js';
import { type KubeObject, objectKey, splitKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { createWorkQueue, type WorkQueue } from '#kube/client/work-queue.ts';
import type { Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { Logger } from '#lib/log.ts';
import type { GatewayView } from '#traffic/model/gateway/listener-view.ts';
import { isOwnedBy, serviceFor } from './gateway-service.ts';

const SERVICES = builtin('Service');
const FIELD_MANAGER = 'evenkeel-gateway-controller';

interface Wanted {
  readonly view: GatewayView;
  readonly service: Service & KubeObject;
}

export interface ServiceWriterOptions {
  readonly client: Client;
  find(key: string): (Service & KubeObject) | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ServiceWriter {
  readonly #options: ServiceWriterOptions;
  readonly #queue: WorkQueue;
  /** By key of the Service. */
  #wanted: ReadonlyMap<string, Wanted> = new Map();

  constructor(options: ServiceWriterOptions) {
    this.#options = options;
    const { clock, log } = options;
    this.#queue = createWorkQueue('gateway-services', (key) => this.#reconcile(key), { clock, log });
  }

  start(): void {
    this.#queue.start();
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
  }

  want(gateways: readonly GatewayView[]): void {
    const before = this.#wanted;
    this.#wanted = new Map(
      gateways.flatMap((view) => {
        const service = serviceFor(view);
        return service === undefined ? [] : [[objectKey(service), { view, service }] as const];
      }),
    );
    for (const [key, { service }] of this.#wanted)
      if (!jsonEqual(before.get(key)?.service, service)) this.#queue.add(key);
  }

  /** A Service changed that may be one of these. */
  check(key: string): void {
    if (this.#wanted.has(key)) this.#queue.add(key);
  }

  /** Made for a Gateway that is no longer ours to serve. */
  remove(key: string): void {
    if (!this.#wanted.has(key)) this.#queue.add(key);
  }

  async #reconcile(key: string): Promise<void> {
    const { client, find } = this.#options;
    const wanted = this.#wanted.get(key);
    const there = find(key);
    const { namespace, name } = splitKey(key);
    if (wanted === undefined) {
      const { uid } = there?.metadata ?? {};
      if (there === undefined || uid === undefined) return;
      await ignoring(404, client.delete(SERVICES, name, namespace, { preconditions: { uid } }));
      return;
    }
    // Whoever asks why is told by the Gateway's status.
    if (there !== undefined && !isOwnedBy(there, wanted.view.gateway)) return;
    if (there !== undefined && says(there, wanted.service)) return;
    await ignoring(
      404,
      client.patch(SERVICES, name, namespace, 'apply', wanted.service, { fieldManager: FIELD_MANAGER, force: true }),
    );
  }
}

/** Whether all that is wanted stands there; what others added is theirs. */
function says(there: Service, wanted: Service): boolean {
  const holds = (has: Readonly<Record<string, string>> = {}, should: Readonly<Record<string, string>> = {}): boolean =>
    Object.entries(should).every(([key, value]) => has[key] === value);
  const ports = (service: Service) =>
    (service.spec?.ports ?? []).map(({ name, port, protocol }) => ({ name, port, protocol }));
  const asked = (service: Service) => service.metadata?.annotations?.['evenkeel.dev/loadBalancerIPs'];
  return (
    there.spec?.type === wanted.spec?.type &&
    holds(there.metadata?.labels, wanted.metadata?.labels) &&
    holds(there.metadata?.annotations, wanted.metadata?.annotations) &&
    asked(there) === asked(wanted) &&
    jsonEqual(ports(there), ports(wanted))
  );
}

/** A namespace that is going takes nothing new. */
async function ignoring(code: number, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isStatus(error, code)) throw error;
  }
}
