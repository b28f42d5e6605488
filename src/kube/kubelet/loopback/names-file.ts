// The file from which containers' processes learn the addresses of Services; written whole, at every change.
// Knows informers and a file; what is done with the names is the hook's matter.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Informer } from '#kube/client/informer.ts';
import type { Cancel, Clock } from '#lib/clock.ts';

/** Changes within this time are written together, in milliseconds. */
const SETTLE_MS = 10;

/** Addresses by `service.namespace`, and by `hostname.service.namespace` for pods of headless Services. */
export function clusterNames(
  services: readonly Service[],
  slicesOf: (namespace: string, service: string) => readonly EndpointSlice[],
): Record<string, string[]> {
  const names: Record<string, string[]> = {};
  for (const service of services) {
    const { name = '', namespace = '' } = service.metadata ?? {};
    const { clusterIP = '', publishNotReadyAddresses = false } = service.spec ?? {};
    const full = `${name}.${namespace}`;
    if (clusterIP !== '' && clusterIP !== 'None') {
      names[full] = [clusterIP];
      continue;
    }
    if (clusterIP !== 'None') continue;
    const addresses: string[] = [];
    for (const { endpoints } of slicesOf(namespace, name)) {
      for (const { addresses: own, conditions, hostname } of endpoints) {
        const address = own[0];
        if (address === undefined || (conditions?.ready === false && !publishNotReadyAddresses)) continue;
        addresses.push(address);
        if (hostname !== undefined) names[`${hostname}.${full}`] = [address];
      }
    }
    if (addresses.length > 0) names[full] = addresses;
  }
  return names;
}

export class NamesFile {
  readonly path: string;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #clock: Clock;
  readonly #stops: (() => void)[];
  #cancel: Cancel | undefined;
  #text = '';

  constructor(path: string, services: Informer<Service>, slices: Informer<EndpointSlice>, clock: Clock) {
    this.path = path;
    this.#services = services;
    this.#slices = slices;
    this.#clock = clock;
    mkdirSync(dirname(path), { recursive: true });
    slices.addIndex('kubelet-names', ({ metadata }) => {
      const service = metadata?.labels?.['kubernetes.io/service-name'];
      return service === undefined ? [] : [`${metadata?.namespace}/${service}`];
    });
    const changed = (): void => this.#schedule();
    this.#stops = [services.onChange(changed), slices.onChange(changed)];
    this.write();
  }

  stop(): void {
    this.#cancel?.();
    for (const stop of this.#stops) stop();
  }

  /** Writes what is known now; readers see the old file or the new one. */
  write(): void {
    const names = clusterNames(this.#services.list(), (namespace, service) =>
      this.#slices.byIndex('kubelet-names', `${namespace}/${service}`),
    );
    const text = JSON.stringify({ names });
    if (text === this.#text) return;
    writeFileSync(`${this.path}.new`, text);
    renameSync(`${this.path}.new`, this.path);
    this.#text = text;
  }

  #schedule(): void {
    this.#cancel ??= this.#clock.after(SETTLE_MS, () => {
      this.#cancel = undefined;
      this.write();
    });
  }
}
