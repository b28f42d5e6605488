// ServiceAccount: every namespace has one named `default`, which pods that name none run under.
// Makes no tokens.
import type { Namespace, ServiceAccount } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import type { Controller } from '../controller.ts';

const ACCOUNTS = builtin('ServiceAccount');

export const serviceAccountController: Controller = {
  name: 'service-account',
  component: 'service-account-controller',
  setup({ client, informers, clock, log }) {
    const namespaces = informers.of<Namespace>(builtin('Namespace'));
    const accounts = informers.of<ServiceAccount>(ACCOUNTS);
    const ensure = async (namespace: string): Promise<void> => {
      const found = namespaces.get(namespace);
      if (found === undefined || found.metadata?.deletionTimestamp !== undefined) return;
      if (accounts.get(`${namespace}/default`) !== undefined) return;
      try {
        const metadata = { name: 'default', namespace };
        await client.create<ServiceAccount>(ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
      } catch (error) {
        // Made by someone else, or the namespace is going away.
        if (!isStatus(error, 409) && !isStatus(error, 403) && !isStatus(error, 404)) throw error;
      }
    };
    const queue = createWorkQueue('service-account', ensure, { clock, log });
    namespaces.onChange((key, now) => {
      if (now !== undefined) queue.add(key);
    });
    accounts.onChange((_key, now, before) => {
      if (now === undefined && before?.metadata?.name === 'default') queue.add(before.metadata.namespace ?? '');
    });
    return { queues: [queue], reads: [namespaces, accounts] };
  },
};
