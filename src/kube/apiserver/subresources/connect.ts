// The subresources exec, attach and portforward: the client's connection goes on to the kubelet of the Pod's node.
// Knows queries and paths; what the connection then speaks is between the client and the kubelet.
import { badRequest, notFound } from '#kube/api/status.ts';
import { admitConnection } from '../admission/connect.ts';
import { nameOf, type ResourceRequest } from '../context.ts';
import { containerOf, kubeletOf, kubeletTls } from '../proxy/kubelet.ts';
import { tunnel } from '../proxy/tunnel.ts';
import { type AnyObject, digString } from '../registry/any-object.ts';

/** Names of the streams in our query and in the kubelet's. */
const STREAMS = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' } as const;

export async function connectExec(request: ResourceRequest): Promise<undefined> {
  const pod = podOf(request);
  const query = streamQuery(request.query);
  const commands = request.query.getAll('command');
  if (commands.length === 0) throw badRequest('you must specify at least one command for the container');
  for (const command of commands) query.append('command', command);
  return await connect(
    request,
    pod,
    `exec/${place(request)}/${containerOf(pod, request.query.get('container') ?? '')}`,
    query,
  );
}

export async function connectAttach(request: ResourceRequest): Promise<undefined> {
  const pod = podOf(request);
  const path = `attach/${place(request)}/${containerOf(pod, request.query.get('container') ?? '')}`;
  return await connect(request, pod, path, streamQuery(request.query));
}

export async function connectPortForward(request: ResourceRequest): Promise<undefined> {
  const query = new URLSearchParams();
  for (const port of request.query.getAll('ports')) query.append('port', port);
  return await connect(request, podOf(request), `portForward/${place(request)}`, query);
}

function podOf(request: ResourceRequest): AnyObject {
  const { resource, namespace } = request;
  const pod = resource.collection.get(namespace, nameOf(request))?.object;
  if (pod === undefined) throw notFound(resource.definition, nameOf(request));
  return pod;
}

const place = (request: ResourceRequest): string => `${request.namespace}/${nameOf(request)}`;

/** Throws `StatusError` 400 when no stream is asked for. */
function streamQuery(query: URLSearchParams): URLSearchParams {
  const streams = new URLSearchParams();
  for (const [ours, kubelets] of Object.entries(STREAMS)) {
    if (['true', '1'].includes(query.get(ours) ?? '')) streams.set(kubelets, '1');
  }
  if (!['input', 'output', 'error'].some((name) => streams.has(name))) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  return streams;
}

async function connect(
  request: ResourceRequest,
  pod: AnyObject,
  path: string,
  query: URLSearchParams,
): Promise<undefined> {
  await admitConnection(request);
  const { server, upgrade } = request;
  const nodeName = digString(pod, 'spec', 'nodeName');
  if (nodeName === '') throw badRequest(`pod ${nameOf(request)} does not have a host assigned`);
  const node = server.registry.builtin('', 'v1', 'nodes').collection.get(undefined, nodeName)?.object;
  if (node === undefined) throw notFound({ group: '', resource: 'nodes' }, nodeName);
  if (upgrade === undefined) throw badRequest('Upgrade request required');
  const target = { scheme: 'https' as const, ...kubeletOf(node), path: `/${path}?${query}`, tls: kubeletTls(server) };
  return await tunnel(request, upgrade, target);
}
