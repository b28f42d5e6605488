// Whether the server behind an APIService can be asked now, in upstream's reasons and words; and what it serves.
// Knows Services, EndpointSlices and one question; who asks when is aggregator.ts. (Upstream: kube-aggregator, status/remote.)
import type { ServerContext } from '../context.ts';
import { servicePlace } from '../proxy/service-place.ts';
import { openRequest } from '../proxy/tunnel.ts';
import { type AnyObject, digArray, digNumber, digString } from '../registry/any-object.ts';

/** Milliseconds. */
const PATIENCE_MS = 5_000;
const LONGEST = 4 * 1024 * 1024;

/** What an APIService says. */
export interface Registration {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  readonly tls: { readonly ca?: string; readonly rejectUnauthorized?: boolean; readonly servername: string };
}

/** Undefined for one that this server serves itself. */
export function registrationOf(object: AnyObject): Registration | undefined {
  const namespace = digString(object, 'spec', 'service', 'namespace');
  const service = digString(object, 'spec', 'service', 'name');
  if (service === '') return undefined;
  const bundle = digString(object, 'spec', 'caBundle');
  const anyone = (object.spec as { insecureSkipTLSVerify?: boolean } | undefined)?.insecureSkipTLSVerify === true;
  return {
    name: object.metadata?.name ?? '',
    group: digString(object, 'spec', 'group'),
    version: digString(object, 'spec', 'version'),
    namespace,
    service,
    port: digNumber(object, 'spec', 'service', 'port') ?? 443,
    tls: {
      servername: `${service}.${namespace}.svc`,
      ...(bundle === '' ? {} : { ca: Buffer.from(bundle, 'base64').toString() }),
      ...(anyone ? { rejectUnauthorized: false } : {}),
    },
  };
}

export interface Availability {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  /** Of its APIResourceList. */
  readonly resources?: readonly unknown[];
  /** Where below `/openapi/v3` its document is, with the hash that it gives it; none when it has no such document. */
  readonly openApiUrl?: string | undefined;
}

const no = (reason: string, message: string): Availability => ({ status: 'False', reason, message });

export async function availabilityOf(server: ServerContext, it: Registration): Promise<Availability> {
  const { namespace, service, port, group, version } = it;
  const found = server.registry.builtin('', 'v1', 'services').collection.get(namespace, service)?.object;
  if (found === undefined) return no('ServiceNotFound', `service/${service} in "${namespace}" is not present`);
  if (!digArray(found, 'spec', 'ports').some((one) => digNumber(one, 'port') === port)) {
    return no('ServicePortError', `service/${service} in "${namespace}" is not listening on port ${port}`);
  }
  const slices = server.registry
    .builtin('discovery.k8s.io', 'v1', 'endpointslices')
    .collection.list(namespace)
    .filter(({ object }) => object.metadata?.labels?.['kubernetes.io/service-name'] === service);
  if (slices.length === 0) {
    return no('EndpointsNotFound', `cannot find endpointslices for service/${service} in "${namespace}"`);
  }
  let place: Place;
  try {
    place = servicePlace({ server, namespace }, found, `${port}`);
  } catch {
    const name = digString(
      digArray(found, 'spec', 'ports').find((one) => digNumber(one, 'port') === port),
      'name',
    );
    return no(
      'MissingEndpoints',
      `endpointslices for service/${service} in "${namespace}" have no addresses with port name "${name}"`,
    );
  }
  const path = `/apis/${group}/${version}`;
  try {
    const list = JSON.parse(await read(server, it, place, path)) as { resources?: readonly unknown[] };
    return {
      status: 'True',
      reason: 'Passed',
      message: 'all checks passed',
      resources: list.resources ?? [],
      openApiUrl: await openApiOf(server, it, place),
    };
  } catch (error) {
    const url = `https://${place.host}:${place.port}${path}`;
    return no('FailedDiscoveryCheck', `failing or missing response from ${url}: ${(error as Error).message}`);
  }
}

/** As upstream: that it has no document keeps nobody from using it. */
async function openApiOf(server: ServerContext, it: Registration, place: Place): Promise<string | undefined> {
  try {
    const { paths } = JSON.parse(await read(server, it, place, '/openapi/v3')) as {
      paths?: Readonly<Record<string, { readonly serverRelativeURL?: unknown } | undefined>>;
    };
    const path = `apis/${it.group}/${it.version}`;
    const url = paths?.[path]?.serverRelativeURL;
    // Under another path it would be taken for somebody else's.
    const known = typeof url === 'string' && url.split('?', 1)[0] === `/openapi/v3/${path}`;
    return known ? url : undefined;
  } catch {
    return undefined;
  }
}

/** What its document says, as text. Throws an `Error` when it cannot be asked. */
export function readOpenApi(server: ServerContext, it: Registration, url: string): Promise<string> {
  const service = server.registry.builtin('', 'v1', 'services').collection.get(it.namespace, it.service)?.object;
  if (service === undefined) throw new Error(`service/${it.service} in "${it.namespace}" is not present`);
  return read(server, it, servicePlace({ server, namespace: it.namespace }, service, `${it.port}`), url);
}

interface Place {
  readonly host: string;
  readonly port: number;
}

function read(server: ServerContext, { tls }: Registration, place: Place, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const own = server.frontProxy;
  const headers = {
    accept: 'application/json',
    'x-remote-user': 'system:kube-aggregator',
    'x-remote-group': 'system:masters',
  };
  const keys = own === undefined ? {} : { cert: own.certPem, key: own.keyPem };
  const sent = openRequest({ scheme: 'https', ...place, path, tls: { ...tls, ...keys } }, 'GET', headers);
  sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
  sent.on('error', reject);
  sent.on('response', (answer) => {
    let text = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.length > LONGEST) answer.destroy(new Error('its answer is too long'));
    });
    answer.on('error', reject);
    answer.on('end', () => {
      const { statusCode = 0 } = answer;
      if (statusCode >= 200 && statusCode < 300) resolve(text);
      else reject(new Error(`bad status from https://${place.host}:${place.port}${path}: ${statusCode}`));
    });
  });
  sent.end();
  return promise;
}
