// What there is to scrape of a running cluster, and with which keys.
// Knows the data directory and the Nodes; what is done with the targets, others know.
import { join } from 'node:path';
import type { Node } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { Failure } from '../failure.ts';
import type { DataDir } from '../main/data-dir.ts';
import { isAlive, readInstance } from '../main/instance-lock.ts';

export interface Target {
  /** `host:port`. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Job {
  readonly name: string;
  readonly path: string;
  readonly targets: readonly Target[];
  /** Files for TLS; plain HTTP when left out. */
  readonly tls?: { readonly caFile: string; readonly clientFile: string };
  /** One line for people: what is measured there. */
  readonly about: string;
}

/** Throws a `Failure` where no cluster runs on the data directory. */
export async function clusterJobs(client: Client, data: DataDir): Promise<readonly Job[]> {
  const instance = readInstance(data.lock);
  const apiUrl = instance?.apiUrl;
  if (instance === undefined || apiUrl === undefined || !isAlive(instance)) {
    throw new Failure(
      `No cluster runs on ${data.root}`,
      'Start one with "evenkeel up", name the directory of another one with --data, or name gateways with --gateway',
    );
  }
  const { items } = await client.list<Node & KubeObject>(builtin('Node'));
  const kubelets = items.flatMap(kubeletOf);
  const tls = (client: string) => ({ caFile: join(data.pki, 'ca.crt'), clientFile: join(data.pki, `${client}.pem`) });
  const admin = instance.adminUrl === undefined ? [] : [hostOf(instance.adminUrl)];
  return [
    {
      name: 'evenkeel',
      path: '/metrics',
      targets: admin.map((address) => ({ address, labels: {} })),
      about: 'gateway, DNS and controllers',
    },
    {
      name: 'evenkeel-apiserver',
      path: '/metrics',
      targets: [{ address: hostOf(apiUrl), labels: {} }],
      tls: tls('admin'),
      about: 'API server and store',
    },
    {
      name: 'evenkeel-kubelet',
      path: '/metrics',
      targets: kubelets,
      tls: tls('apiserver-kubelet-client'),
      about: 'nodes: pods, service proxy and speaker',
    },
    {
      name: 'evenkeel-resources',
      path: '/metrics/resource',
      targets: kubelets,
      tls: tls('apiserver-kubelet-client'),
      about: 'CPU and memory of nodes, pods and containers',
    },
  ].filter(({ targets }) => targets.length > 0);
}

/** Gateways that run by themselves, by the addresses of their admin pages. */
export function gatewayJob(addresses: readonly string[]): readonly Job[] {
  if (addresses.length === 0) return [];
  const targets = addresses.map((address) => ({ address, labels: {} }));
  return [{ name: 'evenkeel-gateway', path: '/metrics', targets, about: 'gateways of --gateway' }];
}

function kubeletOf({ metadata, status }: Node): Target[] {
  const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (address === undefined || port === undefined) return [];
  const host = address.includes(':') ? `[${address}]` : address;
  // By its name: an address says nothing to people, and its port changes.
  return [{ address: `${host}:${port}`, labels: { instance: metadata?.name ?? '' } }];
}

const hostOf = (url: string): string => new URL(url).host;
