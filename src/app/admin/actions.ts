// What an operator, or a test, may do through the admin server: drain the gateway, or one endpoint of one cluster.
// Only by POST, and never at the wish of a web page from elsewhere.
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';

/** What the actions act on. */
export interface ActionTarget {
  /** Fails readiness, accepts nobody any more and lets what is under way finish. */
  drain(): void;
  /** False when the cluster has no such endpoint. */
  drainEndpoint(cluster: string, key: string, drained: boolean): boolean;
}

interface ActionResult {
  readonly status: number;
  readonly text: string;
  readonly headers?: OutgoingHttpHeaders;
}

export type Action = (target: ActionTarget) => ActionResult;

const ENDPOINT_ACTION = /^\/clusters\/(.+)\/endpoints\/([^/]+)\/(drain|undrain)$/;

/** The action at a path; undefined when there is none. */
export function actionAt(path: string): Action | undefined {
  if (path === '/drain') {
    return (target) => {
      target.drain();
      return { status: 202, text: 'Not ready any more; what is under way finishes, nothing new is taken\n' };
    };
  }
  const [, cluster, key, verb] = ENDPOINT_ACTION.exec(path) ?? [];
  if (cluster === undefined || key === undefined) return undefined;
  const names = decoded(cluster, key);
  return names === undefined ? undefined : (target) => drainEndpoint(target, names, verb === 'drain');
}

function drainEndpoint(
  target: ActionTarget,
  [cluster, key]: readonly [string, string],
  drained: boolean,
): ActionResult {
  if (!target.drainEndpoint(cluster, key, drained)) {
    const remedy = '/clusters lists the names of clusters and the keys of endpoints';
    return { status: 404, text: `Cluster "${cluster}" has no endpoint "${key}": ${remedy}\n` };
  }
  const text = drained ? 'gets no new requests until it is undrained, or leaves the cluster' : 'gets requests again';
  return { status: 200, text: `Endpoint "${key}" of cluster "${cluster}" ${text}\n` };
}

function decoded(cluster: string, key: string): readonly [string, string] | undefined {
  try {
    return [decodeURIComponent(cluster), decodeURIComponent(key)];
  } catch {
    return undefined;
  }
}

/** Acts, if the request may. */
export function perform(action: Action, request: IncomingMessage, target: ActionTarget): ActionResult {
  if (request.method !== 'POST') {
    return { status: 405, text: 'This changes something: send it with POST\n', headers: { Allow: 'POST' } };
  }
  if (isCrossSite(request)) return { status: 403, text: 'Another web site cannot act here\n' };
  const result = action(target);
  // A button of the page leads back to the page.
  const fromPage = result.status < 300 && request.headers.accept?.includes('text/html') === true;
  return fromPage ? { status: 303, text: result.text, headers: { Location: '/' } } : result;
}

/** A browser says where a request comes from; a page of another origin must not act here, even without reading the answer. */
export function isCrossSite({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return headers.origin !== undefined && headers.origin.toLowerCase() !== `http://${headers.host?.toLowerCase()}`;
}

/** Where the buttons of the page lead. */
export function endpointActionPath(cluster: string, key: string, verb: 'drain' | 'undrain'): string {
  return `/clusters/${encodeURIComponent(cluster)}/endpoints/${encodeURIComponent(key)}/${verb}`;
}
