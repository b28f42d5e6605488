// What the kubelets say their nodes and pods use: asked for when somebody wants to know, and kept for a moment.
// Knows the kubelet's summary; what the API makes of it is resource-metrics.ts.
import { request as httpsRequest } from 'node:https';
import type { ServerContext } from '../context.ts';
import { kubeletTls } from '../proxy/kubelet.ts';
import { type AnyObject, digArray, digNumber, digString, isFields } from '../registry/any-object.ts';

export interface Figures {
  readonly cpu?: { readonly time?: string; readonly usageNanoCores?: number };
  readonly memory?: { readonly workingSetBytes?: number };
}

export interface Summary {
  readonly node: Figures & { readonly nodeName: string };
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
    readonly containers: readonly (Figures & { readonly name: string })[];
  }[];
}

/** A node that does not answer within this time is left out, in milliseconds. */
const LIMIT_MS = 3_000;
/** So long an answer serves everybody who asks, in milliseconds. */
const FRESH_MS = 1_000;

interface Kept {
  readonly at: number;
  readonly summary: Promise<Summary | undefined>;
}

const kept = new WeakMap<ServerContext, Map<string, Kept>>();

/** `undefined` for a node that cannot be asked now. */
export function summaryOf(server: ServerContext, node: AnyObject): Promise<Summary | undefined> {
  let all = kept.get(server);
  if (all === undefined) {
    all = new Map();
    kept.set(server, all);
  }
  const name = node.metadata?.name ?? '';
  const now = server.clock.now();
  const known = all.get(name);
  if (known !== undefined && now - known.at < FRESH_MS) return known.summary;
  const summary = ask(server, node).catch((error: Error) => {
    server.log.debug({ node: name, error: error.message }, 'A kubelet does not say what its pods use');
    return undefined;
  });
  all.set(name, { at: now, summary });
  return summary;
}

async function ask(server: ServerContext, node: AnyObject): Promise<Summary> {
  const addresses = digArray(node, 'status', 'addresses').filter(isFields);
  const host = digString(
    addresses.find((address) => address.type === 'InternalIP'),
    'address',
  );
  const port = digNumber(node, 'status', 'daemonEndpoints', 'kubeletEndpoint', 'Port');
  const { kubeletClient } = server;
  if (host === '' || port === undefined || kubeletClient === undefined) throw new Error('it has no address yet');
  const tls = kubeletTls(server);
  return await new Promise<Summary>((resolve, reject) => {
    const sent = httpsRequest(
      { host, port, path: '/stats/summary', agent: false, ...tls, timeout: LIMIT_MS },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          if (answer.statusCode !== 200) return reject(new Error(`it answered ${answer.statusCode}`));
          try {
            resolve(JSON.parse(text) as Summary);
          } catch (error) {
            reject(error as Error);
          }
        });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)));
    sent.on('error', reject);
    sent.end();
  });
}
