// The log subresource: asks the kubelet of the Pod's node and passes its answer through.
// Knows Pods, Nodes and the kubelet's path; log files are the kubelet's matter.
import { request as httpsRequest } from 'node:https';
import { notFound, StatusError } from '#kube/api/status.ts';
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
  const { resource, namespace, server, response } = request;
  const pod = resource.collection.get(namespace, nameOf(request))?.object;
  if (pod === undefined) throw notFound(resource.definition, nameOf(request));
  const container = containerOf(pod, request.query.get('container') ?? '');
  const nodeName = digString(pod, 'spec', 'nodeName');
  if (nodeName === '') {
    // Nothing has run yet: an empty log, as upstream.
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end();
    return undefined;
  }
  const node = server.registry.builtin('', 'v1', 'nodes').collection.get(undefined, nodeName)?.object;
  if (node === undefined) throw notFound({ group: '', resource: 'nodes' }, nodeName);
  const path = `/containerLogs/${namespace}/${nameOf(request)}/${container}?${passedOn(request.query)}`;
  await proxy(request, node, path);
  return undefined;
}

function passedOn(query: URLSearchParams): string {
  const kept = new URLSearchParams();
  for (const name of PASSED_ON) {
    const value = query.get(name);
    if (value !== null && value !== '') kept.set(name, value);
  }
  return kept.toString();
}

function proxy({ server, response, http }: ResourceRequest, node: AnyObject, path: string): Promise<void> {
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
  const stop = (): void => {
    upstream.destroy();
    if (response.headersSent) response.end();
    resolve();
  };
  server.closing.addEventListener('abort', stop, { once: true });
  response.once('close', stop);
  upstream.on('error', (error) => {
    if (response.headersSent || http.destroyed) return stop();
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
    response.writeHead(200, { 'content-type': 'text/plain' });
    flushHead(response);
    answer.pipe(response);
    answer.once('close', stop);
  });
  upstream.end();
  return promise.finally(() => server.closing.removeEventListener('abort', stop));
}
