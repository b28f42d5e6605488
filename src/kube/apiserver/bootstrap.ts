// What every cluster has from its first second: namespaces and what belongs into each, the `kubernetes` Service.
// Knows which objects those are; they are written the way a client's would be.
import { networkInterfaces } from 'node:os';
import { DEFAULT_SERVICE_CIDR } from '#kube/api/service-ranges.ts';
import { StatusError } from '#kube/api/status.ts';
import { ROOT_CA_MAP } from './admission/service-account.ts';
import type { ServerContext } from './context.ts';
import { type AnyObject, dig, digArray, digString } from './registry/any-object.ts';
import type { Resource } from './registry/registry.ts';
import { createObject } from './write/create.ts';
import { deleteObject } from './write/delete.ts';
import { decode } from './write/input.ts';
import { updateObject } from './write/update.ts';

const MANAGER = 'kube-apiserver';
const SYSTEM = { name: 'system:apiserver', groups: ['system:masters'] } as const;
const PRIORITY_CLASSES = [
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description: 'For what the cluster cannot do without, on any node',
  },
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'For what its node cannot do without',
  },
];
const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

/** Idempotent. `address` and `port` are where this server listens. */
export async function bootstrap(server: ServerContext, address: string, port: number): Promise<void> {
  const namespaces = server.registry.builtin('', 'v1', 'namespaces');
  for (const name of NAMESPACES) await ensure(server, namespaces, { metadata: { name } });
  const priorities = server.registry.builtin('scheduling.k8s.io', 'v1', 'priorityclasses');
  for (const each of PRIORITY_CLASSES) await ensure(server, priorities, each);
  await publishRange(server);
  // Whatever Pods' addresses must be, the server is where it is.
  await publishSelf({ ...server, admitLoopback: true }, reachable(address), port);
}

/** An address to put into endpoints: that of an interface, when the server listens on all of them. */
function reachable(address: string): string {
  if (address !== '0.0.0.0' && address !== '::') return address;
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find((each) => each.family === 'IPv4' && !each.internal)?.address ?? '127.0.0.1';
}

/**
 * Gives every namespace its `default` service account and the authority by which Pods know the API server: now, as
 * namespaces come, and again when somebody deletes or changes them. Upstream leaves this to controllers; here Pods can
 * be created from the moment their namespace is there.
 */
export function followNamespaces(server: ServerContext): () => void {
  const namespaces = server.registry.builtin('', 'v1', 'namespaces').collection;
  const accounts = server.registry.builtin('', 'v1', 'serviceaccounts');
  const maps = server.registry.builtin('', 'v1', 'configmaps');
  const put = (resource: Resource, namespace: string, object: AnyObject): void => {
    const found = namespaces.get(undefined, namespace)?.object;
    if (found === undefined || found.metadata?.deletionTimestamp !== undefined) return;
    const metadata = { ...object.metadata, namespace };
    ensure(server, resource, { ...object, metadata }).catch((error: unknown) => {
      if (server.closing.aborted) return;
      const { kind } = resource.definition;
      server.log.warn({ namespace, kind, error: String(error) }, 'Cannot create what every namespace has');
    });
  };
  const giveAccount = (namespace: string): void => put(accounts, namespace, { metadata: { name: 'default' } });
  const giveAuthority = (namespace: string): void => {
    if (server.rootCaPem === undefined) return;
    put(maps, namespace, { metadata: { name: ROOT_CA_MAP }, data: { 'ca.crt': server.rootCaPem } });
  };
  const give = (namespace: string): void => {
    giveAccount(namespace);
    giveAuthority(namespace);
  };
  for (const { object } of namespaces.list()) give(object.metadata?.name ?? '');
  const stops = [
    namespaces.subscribe(({ type, now, before }) => {
      if (type === 'put' && before === undefined) give(now.object.metadata?.name ?? '');
    }),
    accounts.collection.subscribe(({ type, now }) => {
      const { name, namespace = '' } = now.object.metadata ?? {};
      if (type === 'delete' && name === 'default') giveAccount(namespace);
    }),
    maps.collection.subscribe(({ type, now }) => {
      const { name, namespace = '' } = now.object.metadata ?? {};
      if (name !== ROOT_CA_MAP) return;
      if (type === 'delete' || dig(now.object, 'data', 'ca.crt') !== server.rootCaPem) giveAuthority(namespace);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** The ranges the server was started with, as an object; a second family may be added to the first. */
export async function publishRange(server: ServerContext): Promise<void> {
  const { registry, services, log } = server;
  const ranges = registry.builtin('networking.k8s.io', 'v1', 'servicecidrs');
  const cidrs = [...services.ips.cidrs];
  const known = ranges.collection.get(undefined, DEFAULT_SERVICE_CIDR);
  const before = digArray(known?.object, 'spec', 'cidrs');
  if (known !== undefined && before.some((cidr, at) => cidr !== cidrs[at])) {
    // The range has changed since the last start. A client could not write this: Services outside keep their addresses.
    log.warn({ before, now: cidrs }, 'The Service ranges are others than at the last start');
    await ranges.collection.put(known.key, { ...known.object, spec: { cidrs } }, known.revision);
    return;
  }
  await ensure(server, ranges, { metadata: { name: DEFAULT_SERVICE_CIDR }, spec: { cidrs } });
}

/** The Service by which Pods find the API, with this server as its one endpoint. */
async function publishSelf(server: ServerContext, address: string, port: number): Promise<void> {
  const ip = server.services.ips.first();
  const meta = { name: 'kubernetes', namespace: 'default' };
  const ports = [{ name: 'https', protocol: 'TCP', port }];
  const { registry } = server;
  const services = registry.builtin('', 'v1', 'services');
  const known = services.collection.get(meta.namespace, meta.name)?.object;
  if (known !== undefined && digString(known, 'spec', 'clusterIP') !== ip) {
    // The range has changed since the last start, and an address cannot.
    await deleteObject({ server, resource: services, ...meta }, {});
  }
  await ensure(server, services, {
    metadata: { ...meta, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: ip,
      clusterIPs: [ip],
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
  });
  await ensure(server, registry.builtin('', 'v1', 'endpoints'), {
    metadata: { ...meta, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: address }], ports }],
  });
  await ensure(server, registry.builtin('discovery.k8s.io', 'v1', 'endpointslices'), {
    metadata: { ...meta, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports,
  });
}

/** Creates the object, or brings everything but its metadata to what is given. */
export async function ensure(server: ServerContext, resource: Resource, given: AnyObject): Promise<void> {
  const { group, version, kind } = resource.definition;
  const make = (): AnyObject => {
    const apiVersion = group === '' ? version : `${group}/${version}`;
    const object: AnyObject = { apiVersion, kind, ...structuredClone(given) };
    decode(resource, object, 'Strict', []);
    return object;
  };
  const { namespace, name = '' } = given.metadata ?? {};
  const common = { server, resource, user: SYSTEM, options: { dryRun: false, manager: MANAGER } };
  if (resource.collection.get(namespace, name) === undefined) {
    try {
      await createObject(common, make());
      return;
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error;
    }
  }
  const { metadata: _, ...rest } = given;
  if (Object.keys(rest).length === 0) return;
  await updateObject({ ...common, namespace, name }, (current) => {
    const { metadata: __, ...wanted } = make();
    return { ...structuredClone(current), ...wanted };
  });
}
