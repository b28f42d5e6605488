// Nodes of the embedded cluster as people handle them: which there are, and stop, kill and start of one.
// Knows nodes by what they can do; how a node is a process is nodes/.
import type { IncomingMessage } from 'node:http';
import { Failure, messageOf } from '../failure.ts';
import { isCrossSite } from './actions.ts';

export interface ControlledNode {
  readonly planned: {
    readonly name: string;
    readonly addresses: readonly string[];
    readonly podCidrs: readonly string[];
  };
  readonly state: string;
  readonly pid: number | undefined;
  readonly restarts: number;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** As `/nodes` tells. */
export interface NodeReport {
  readonly name: string;
  readonly state: string;
  readonly addresses: readonly string[];
  readonly podCidrs: readonly string[];
  readonly pid?: number;
  /** How often it died unasked and was started again. */
  readonly restarts: number;
}

type Verb = 'start' | 'stop' | 'kill';

const NODE_PATH = /^\/nodes\/([^/]+)\/(start|stop|kill)$/;
const DONE: Readonly<Record<Verb, string>> = {
  start: 'is starting: it is Ready in a moment',
  stop: 'has been shut down, its pods with it',
  kill: 'is dead, as if its power had failed: the cluster will notice when it misses its word',
};

export function nodeReports(nodes: readonly ControlledNode[]): NodeReport[] {
  return nodes.map(({ planned, state, pid, restarts }) => ({
    name: planned.name,
    state,
    addresses: planned.addresses,
    podCidrs: planned.podCidrs,
    ...(pid === undefined ? {} : { pid }),
    restarts,
  }));
}

/** What the request asks of which node; `undefined` when it is about none. */
export function nodeActionAt(path: string): { readonly name: string; readonly verb: Verb } | undefined {
  const [, name, verb] = NODE_PATH.exec(path) ?? [];
  return name === undefined ? undefined : { name, verb: verb as Verb };
}

/** Acts, if the request may; never rejects. */
export async function performOnNode(
  { name, verb }: { readonly name: string; readonly verb: Verb },
  request: IncomingMessage,
  nodes: readonly ControlledNode[],
): Promise<{ status: number; text: string }> {
  if (request.method !== 'POST') return { status: 405, text: 'This changes something: send it with POST\n' };
  if (isCrossSite(request)) return { status: 403, text: 'Another web site cannot act here\n' };
  if (nodes.length === 0) {
    const text = 'The only node is the process of the cluster itself: start with --nodes 2, or with --network netns\n';
    return { status: 409, text };
  }
  const node = nodes.find(({ planned }) => planned.name === name);
  if (node === undefined) {
    const known = nodes.map(({ planned }) => planned.name).join(', ');
    return { status: 404, text: `No node is named "${name}"; there are: ${known}\n` };
  }
  try {
    await node[verb]();
    return { status: 200, text: `Node ${name} ${DONE[verb]}\n` };
  } catch (error) {
    const remedy = error instanceof Failure ? `. ${error.remedy}` : '';
    return { status: 409, text: `${messageOf(error)}${remedy}\n` };
  }
}
