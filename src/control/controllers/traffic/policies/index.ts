// BackendPolicies and the Gateway API's own: watched for the translation, and told what became of them once it is in force.
// Knows no setting; a cluster without the definition has none of them.
import type { Service } from 'kubernetes-types/core/v1.js';
import { backendPolicyResource } from '#kube/api/backend-policy/definition.ts';
import type { BackendPolicy } from '#kube/api/backend-policy/types.ts';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { AnyRoute } from '#kube/api/gateway/types.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { Logger } from '#lib/log.ts';
import type { TrafficSink } from '#traffic/model/ir.ts';
import { portLabel } from '#traffic/model/names.ts';
import type { AnyPolicy, BackendPolicies } from '#traffic/model/policy/backend-policies.ts';
import { policyStatuses, type SectionsOf } from '#traffic/model/policy/policy-status.ts';
import { type BackendTrafficPolicy, TRAFFIC_POLICY } from '#traffic/model/policy/traffic-policy.ts';
import { type CustomInformer, customInformer } from '../../common/custom-informer.ts';
import { StatusWriter } from '../gateways/status-writer.ts';

export interface PolicyFeedOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly sink: Pick<TrafficSink, 'applied'>;
  service(key: string): Service | undefined;
  route(kind: 'HTTPRoute' | 'GRPCRoute', key: string): AnyRoute | undefined;
  /** As last translated. */
  policies(): BackendPolicies;
  readonly onNews: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class PolicyFeed {
  readonly #options: PolicyFeedOptions;
  readonly #own: CustomInformer<BackendPolicy>;
  readonly #standard: CustomInformer<BackendTrafficPolicy>;
  readonly #statuses: StatusWriter;
  #telling: Promise<void> | undefined;
  #untold = false;
  #stopped = false;

  constructor(options: PolicyFeedOptions) {
    const { client, informers, clock, log } = options;
    this.#options = options;
    this.#own = customInformer<BackendPolicy>(informers, backendPolicyResource);
    this.#standard = customInformer<BackendTrafficPolicy>(informers, gatewayResource(TRAFFIC_POLICY));
    const find = (kind: string, key: string): AnyPolicy | undefined =>
      kind === TRAFFIC_POLICY ? this.#standard.get(key) : this.#own.get(key);
    this.#statuses = new StatusWriter({ client, find, clock, log });
    const news = (kind: string) => (key: string, now?: AnyPolicy, before?: AnyPolicy) => {
      this.#statuses.check(kind, key);
      const same = now?.metadata?.generation === before?.metadata?.generation && jsonEqual(now?.spec, before?.spec);
      if (!same || now?.metadata?.uid !== before?.metadata?.uid) options.onNews();
    };
    this.#own.onChange(news('BackendPolicy'));
    this.#standard.onChange(news(TRAFFIC_POLICY));
  }

  async synced(): Promise<void> {
    await Promise.all([this.#own.synced(), this.#standard.synced()]);
  }

  list(): readonly AnyPolicy[] {
    return [...this.#own.list(), ...this.#standard.list()];
  }

  start(): void {
    this.#statuses.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#telling;
    await this.#statuses.stop();
  }

  /** Policies, or what they are for, have been translated and published. */
  published(): void {
    if (this.list().length === 0) return;
    this.#untold = true;
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined;
    });
  }

  /** A policy is said to be in force once every worker has it. */
  async #tell(): Promise<void> {
    while (this.#untold && !this.#stopped) {
      this.#untold = false;
      const policies = this.#options.policies();
      await this.#options.sink.applied?.();
      for (const status of policyStatuses(policies, this.#sectionsOf))
        this.#statuses.want(`${status.kind} ${status.key}`, status);
    }
  }

  readonly #sectionsOf: SectionsOf = (kind, key) => {
    if (kind === 'Service') return this.#options.service(key)?.spec?.ports?.map(portLabel);
    const route = this.#options.route(kind, key);
    return route && (route.spec?.rules ?? []).map((rule) => (rule as { readonly name?: string }).name ?? '');
  };
}
