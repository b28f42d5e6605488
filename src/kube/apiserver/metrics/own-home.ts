// The API server as a home of metrics: its own objects, and the kubelets as it reaches them.
// Knows the registry and the kubelets' addresses; what is made of both is in the files beside.
import { request as httpsRequest } from 'node:https';
import type { ResourceDefinition } from '#kube/api/resources.ts';
import type { ServerContext } from '../context.ts';
import { kubeletTls } from '../proxy/kubelet.ts';
import { type AnyObject, digArray, digNumber, digString, isFields } from '../registry/any-object.ts';
import type { Registry } from '../registry/registry.ts';
import type { Summary } from './kubelet-summary.ts';
import { type MetricsHome, resourceName } from './metrics-home.ts';

/** A node that does not answer within this time is left out, in milliseconds. */
const LIMIT_MS = 3_000;

const homes = new WeakMap<ServerContext, MetricsHome>();

export function ownHome(server: ServerContext): MetricsHome {
  const known = homes.get(server);
  if (known !== undefined) return known;
  const { clock, log, measured, registry } = server;
  const home: MetricsHome = {
    clock,
    log,
    measured,
    objectKind: (resource) => kindIn(registry, resource),
    async objects({ group, version, resource }, namespace) {
      const found = registry.find(group, version, resource);
      return found === undefined ? [] : found.collection.list(namespace).map(({ object }) => object);
    },
    summary: async (node) => JSON.parse(await ask(server, node)) as Summary,
  };
  homes.set(server, home);
  return home;
}

/** Of those that are stored, in the version that comes first. */
export function kindIn(registry: Registry, resource: string): ResourceDefinition | undefined {
  for (const { definition } of registry.resources()) if (resourceName(definition) === resource) return definition;
  return undefined;
}

async function ask(server: ServerContext, node: AnyObject): Promise<string> {
  const addresses = digArray(node, 'status', 'addresses').filter(isFields);
  const host = digString(
    addresses.find((address) => address.type === 'InternalIP'),
    'address',
  );
  const port = digNumber(node, 'status', 'daemonEndpoints', 'kubeletEndpoint', 'Port');
  if (host === '' || port === undefined || server.kubeletClient === undefined) throw new Error('it has no address yet');
  const options = { host, port, path: '/stats/summary', agent: false, ...kubeletTls(server), timeout: LIMIT_MS };
  return await new Promise<string>((resolve, reject) => {
    const sent = httpsRequest(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`it answered ${answer.statusCode}`));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)));
    sent.on('error', reject);
    sent.end();
  });
}
