// What the parts of a configuration say about each other: names that lead nowhere, two that want the same.
// Knows the model and the fields that it came from; each part is right by itself already.
import type { Listener, TrafficModel, WeightedCluster } from '#traffic/model/ir.ts';
import { checkRoutes } from './cross-check-routes.ts';
import { fieldPath } from './field-path.ts';
import { suggestion } from './schema/suggestion.ts';

export interface Finding {
  readonly field: string;
  readonly message: string;
  readonly remedy: string;
}

/** Every name in the file, also those of parts that are wrong by themselves: who refers to them is not to blame. */
export interface KnownNames {
  readonly listeners: ReadonlySet<string>;
  readonly clusters: ReadonlySet<string>;
}

export function crossCheck(model: TrafficModel, names: KnownNames): readonly Finding[] {
  const findings: Finding[] = [];
  const report = (field: string, message: string, remedy: string): void => {
    findings.push({ field, message, remedy });
  };
  const clusters = (list: readonly WeightedCluster[], field: string, protocols: readonly string[]): void =>
    checkClusters(list, field, protocols, model, names, report);
  checkListeners(model, clusters, report);
  checkHosts(model, names, report);
  checkRoutes(model, clusters, report);
  checkClusterConfigs(model, report);
  return findings;
}

export type Report = (field: string, message: string, remedy: string) => void;
export type CheckClusters = (list: readonly WeightedCluster[], field: string, protocols: readonly string[]) => void;

function checkClusters(
  list: readonly WeightedCluster[],
  field: string,
  protocols: readonly string[],
  model: TrafficModel,
  names: KnownNames,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const [place, { cluster }] of list.entries()) {
    const at = list.length === 1 ? field : `${field}[${place}]`;
    if (!names.clusters.has(cluster)) {
      report(at, `Cluster "${cluster}" does not exist`, suggestion(cluster, [...names.clusters]));
    }
    if (seen.has(cluster)) report(at, `Cluster "${cluster}" stands here twice`, 'Add its weights up in one place');
    seen.add(cluster);
    const protocol = model.clusters.get(cluster)?.upstreamProtocol;
    if (protocol !== undefined && !protocols.includes(protocol)) {
      const remedy = `Set "upstreamProtocol" of the cluster to ${protocols.join(' or ')}`;
      report(at, `Cluster "${cluster}" speaks ${protocol}, which does not fit here`, remedy);
    }
  }
  if (list.every(({ weight }) => weight === 0)) {
    report(field, 'Every weight is 0: no request could go anywhere', 'Give at least one cluster a weight');
  }
}

const L4: Readonly<Record<string, string>> = { tcp: 'tcp', udp: 'udp' };

function checkListeners(model: TrafficModel, clusters: CheckClusters, report: Report): void {
  const taken = new Map<string, string>();
  for (const [name, listener] of model.listeners) {
    const field = fieldPath(['listeners', name]);
    const { protocol, port, address } = listener;
    const transport = protocol === 'udp' ? 'udp' : 'tcp';
    const place = `${transport} ${address}:${port}`;
    const other = port === 0 ? undefined : taken.get(place);
    if (other !== undefined) {
      report(
        `${field}.port`,
        `Port ${port} is the one of listener "${other}" already`,
        'Give one of the two another port',
      );
    }
    taken.set(place, name);
    checkProtocol(model, listener, field, report);
    if (listener.clusters !== undefined) clusters(listener.clusters, `${field}.clusters`, [L4[protocol] ?? 'tcp']);
    for (const [index, route] of (listener.passthrough ?? []).entries()) {
      clusters(route.clusters, `${field}.passthrough[${index}].clusters`, ['tcp']);
    }
  }
}

function checkProtocol(model: TrafficModel, listener: Listener, field: string, report: Report): void {
  const { protocol } = listener;
  const wrong = (part: string, fits: string): void =>
    report(
      `${field}.${part}`,
      `Listener "${listener.name}" is of protocol ${protocol} and has "${part}"`,
      `Remove it, or set "protocol: ${fits}"`,
    );
  if (listener.clusters !== undefined && L4[protocol] === undefined) wrong('clusters', 'tcp');
  if (listener.passthrough !== undefined && protocol !== 'tls' && protocol !== 'https') wrong('passthrough', 'tls');
  if (listener.tls !== undefined && protocol !== 'https') wrong('tls', 'https');
  if (listener.http2 !== undefined && protocol !== 'http' && protocol !== 'https') wrong('http2', 'http');
  if (L4[protocol] !== undefined && listener.clusters === undefined) {
    report(field, `Listener "${listener.name}" of protocol ${protocol} leads nowhere`, 'Add "clusters: [name]"');
  }
  if (protocol === 'tls' && listener.passthrough === undefined) {
    const remedy = 'Add "passthrough", or set "protocol: https" to end TLS here';
    report(field, `Listener "${listener.name}" of protocol tls leads nowhere`, remedy);
  }
  const terminates = listener.passthrough?.some(({ terminate }) => terminate === true) === true;
  if ((protocol === 'https' || terminates) && model.certificates.size === 0) {
    const remedy = 'Add "certificates: { name: { certificateFile: FILE, keyFile: FILE } }"';
    report(`${field}.protocol`, `Listener "${listener.name}" of protocol https has no certificate to show`, remedy);
  }
  const { minVersion, maxVersion } = listener.tls ?? {};
  if (minVersion !== undefined && maxVersion !== undefined && minVersion > maxVersion) {
    report(`${field}.tls.minVersion`, `Version ${minVersion} is above "maxVersion: ${maxVersion}"`, 'Swap the two');
  }
}

function checkHosts(model: TrafficModel, names: KnownNames, report: Report): void {
  const http = [...model.listeners.values()].filter(({ protocol }) => protocol === 'http' || protocol === 'https');
  const taken = new Map<string, string>();
  for (const [name, host] of model.virtualHosts) {
    const field = fieldPath(['virtualHosts', name]);
    for (const [place, wanted] of (host.listeners ?? []).entries()) {
      const listener = model.listeners.get(wanted);
      if (!names.listeners.has(wanted)) {
        const remedy = suggestion(
          wanted,
          http.map((one) => one.name),
        );
        report(`${field}.listeners[${place}]`, `Listener "${wanted}" does not exist`, remedy);
      } else if (listener !== undefined && !http.includes(listener)) {
        const message = `Listener "${wanted}" is of protocol ${listener.protocol} and knows no hosts`;
        report(`${field}.listeners[${place}]`, message, 'Name a listener of protocol http or https');
      }
    }
    const kind = host.hostname.startsWith('*.') ? host.wildcard : '';
    for (const listener of host.listeners ?? http.map((one) => one.name)) {
      const place = `${listener} ${host.hostname} ${kind}`;
      const other = taken.get(place);
      if (other !== undefined) {
        const message = `Hostname "${host.hostname}" is served by virtual host "${other}" on listener "${listener}" already`;
        report(`${field}.hostname`, message, 'Put the routes of both into one');
        break;
      }
      taken.set(place, name);
    }
  }
  if (model.virtualHosts.size > 0 && http.length === 0 && model.listeners.size === names.listeners.size) {
    report(
      'virtualHosts',
      'No listener of protocol http or https would serve these hosts',
      'Add one under "listeners"',
    );
  }
}

function checkClusterConfigs(model: TrafficModel, report: Report): void {
  for (const [name, cluster] of model.clusters) {
    const field = fieldPath(['clusters', name]);
    const l4 = L4[cluster.upstreamProtocol] !== undefined;
    if (cluster.tls !== undefined && l4) {
      report(
        `${field}.tls`,
        `Cluster "${name}" carries bytes as they are and has "tls"`,
        'Remove it, or set "upstreamProtocol: http1"',
      );
    }
    if (cluster.affinity !== undefined && cluster.affinity.type !== 'source_ip' && l4) {
      const message = `Affinity by ${cluster.affinity.type} needs requests, and cluster "${name}" carries bytes`;
      report(`${field}.affinity`, message, 'Use "{type: source_ip}"');
    }
    const seen = new Map<string, number>();
    for (const [place, { address, port }] of (model.endpoints.get(name) ?? []).entries()) {
      const key = `${address} ${port}`;
      const before = seen.get(key);
      if (before !== undefined) {
        const message = `Endpoint ${address}:${port} stands at place ${before} of the list already`;
        report(`${field}.endpoints[${place}]`, message, 'Give one of them the weight of both');
      }
      seen.set(key, place);
    }
  }
}
