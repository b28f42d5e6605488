// The log subresource: asks the kubelet of the Pod's node and passes its answer through.
// Knows Pods, Nodes and the kubelet's path; log files are the kubelet's matter.
import { request as httpsRequest } from 'node:https';
import type { Writable } from 'node:stream';
import { notFound, StatusError } from '#kube/api/status.ts';
import { acceptReader } from '#kube/streaming/reader.ts';
import { upgradeKind } from '#kube/streaming/upgrade.ts';
import { nameOf, type ResourceRequest } from '../context.ts';
import { flushHead } from '../http/respond.ts';
import { containerOf, kubeletOf, kubeletTls } from '../proxy/kubelet.ts';
import { type AnyObject, digString } from '../registry/any-object.ts';

const PASSED_ON = [
  'follow',
  'tailLines',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'previous',
  'limitBytes',
  'stream',
] as const;

export async function readLog(request: ResourceRequest): Promise<undefined> {
  const { resource, namespace, server } = request;
  const pod = resource.collection.get(namespace, nameOf(request))?.object;
  if (pod === undefined) throw notFound(resource.definition, nameOf(request));
  const container = containerOf(pod, request.query.get('container') ?? '');
  const nodeName = digString(pod, 'spec', 'nodeName');
  if (nodeName === '') {
    // Nothing has run yet: an empty log, as upstream.
    (await openLog(request))?.end();
    return undefined;
  }
  const node = server.registry.builtin('', 'v1', 'nodes').collection.get(undefined, nodeName)?.object;
  if (node === undefined) throw notFound({ group: '', resource: 'nodes' }, nodeName);
  const path = `/containerLogs/${namespace}/${nameOf(request)}/${container}?${passedOn(request.query)}`;
  await proxy(request, node, path);
  return undefined;
}

/** Where the lines go: the answer, or a WebSocket. Undefined when the client's handshake was refused. */
async function openLog({ response, upgrade }: ResourceRequest): Promise<Writable | undefined> {
  if (upgrade !== undefined && upgradeKind(upgrade.request) === 'websocket') return await acceptReader(upgrade);
  response.writeHead(200, { 'content-type': 'text/plain' });
  flushHead(response);
  return response;
}

function passedOn(query: URLSearchParams): string {
  const kept = new URLSearchParams();
  for (const name of PASSED_ON) {
    const value = query.get(name);
    if (value !== null && value !== '') kept.set(name, value);
  }
  return kept.toString();
}

function proxy(request: ResourceRequest, node: AnyObject, path: string): Promise<void> {
  const { server, response, http } = request;
  const { host, port } = kubeletOf(node);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const upstream = httpsRequest({
    host,
    port,
    path,
    method: 'GET',
    agent: false,
    ...kubeletTls(server),
  });
  let log: Writable | undefined;
  const stop = (): void => {
    upstream.destroy();
    log?.end();
    resolve();
  };
  server.closing.addEventListener('abort', stop, { once: true });
  response.once('close', stop);
  upstream.on('error', (error) => {
    if (log !== undefined || http.destroyed) return stop();
    reject(
      new StatusError(
        500,
        'InternalError',
        `Internal error occurred: cannot read logs from the kubelet of node "${node.metadata?.name}" at ${host}:${port}: ${error.message}`,
      ),
    );
  });
  upstream.on('response', (answer) => {
    if (answer.statusCode !== 200) {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8').trim();
        const code = answer.statusCode ?? 500;
        reject(new StatusError(code, code === 404 ? 'NotFound' : 'BadRequest', text || 'the kubelet gave no reason'));
      });
      return;
    }
    openLog(request).then((opened) => {
      if (opened === undefined) return stop();
      log = opened;
      answer.pipe(opened);
      answer.once('close', stop);
      opened.once('close', stop);
    }, reject);
  });
  upstream.end();
  return promise.finally(() => server.closing.removeEventListener('abort', stop));
}
