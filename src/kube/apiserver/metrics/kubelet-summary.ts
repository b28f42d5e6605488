// What the kubelets say their nodes and pods use: asked for when somebody wants to know, and kept for a moment.
// Knows the kubelet's summary; what the API makes of it is resource-metrics.ts.
import type { AnyObject } from '../registry/any-object.ts';
import type { MetricsHome } from './metrics-home.ts';

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

/** So long an answer serves everybody who asks, in milliseconds. */
const FRESH_MS = 1_000;

interface Kept {
  readonly at: number;
  readonly summary: Promise<Summary | undefined>;
}

const kept = new WeakMap<MetricsHome, Map<string, Kept>>();

/** `undefined` for a node that cannot be asked now. */
export function summaryOf(home: MetricsHome, node: AnyObject): Promise<Summary | undefined> {
  let all = kept.get(home);
  if (all === undefined) {
    all = new Map();
    kept.set(home, all);
  }
  const name = node.metadata?.name ?? '';
  const now = home.clock.now();
  const known = all.get(name);
  if (known !== undefined && now - known.at < FRESH_MS) return known.summary;
  const summary = home.summary(node).catch((error: Error) => {
    home.log.debug({ node: name, error: error.message }, 'A kubelet does not say what its pods use');
    return undefined;
  });
  all.set(name, { at: now, summary });
  return summary;
}
