// UDP flows that the kernel remembers: those that lead to endpoints which serve no more are made to begin anew.
// The rule is upstream's (pkg/proxy/conntrack/cleanup.go).
import type { PortRules } from '#traffic/snapshot/rules/rule-model.ts';
import { Conntrack, type Flow } from './conntrack.ts';

/** Those of the flows that lead to no serving endpoint of the Service port that they are for. */
export function staleFlows(flows: readonly Flow[], ports: readonly PortRules[]): Flow[] {
  const serving = new Map<string, ReadonlySet<string>>();
  const fronts = new Set<string>();
  for (const rules of ports) {
    if (rules.protocol !== 'UDP' || rules.serving.size === 0) continue;
    for (const { kind, address, port } of rules.fronts) {
      fronts.add(`${address} ${port}`);
      serving.set(kind === 'node_port' ? `* ${port}` : `${address} ${port}`, rules.serving);
    }
  }
  return flows.filter((flow) => {
    const { destination, destinationPort, replySource, replySourcePort } = flow;
    // Not translated, as one that began before its Service did; others with the port of a node port are nobody's.
    const isPlain = replySource === destination && replySourcePort === destinationPort;
    if (isPlain && !fronts.has(`${destination} ${destinationPort}`)) return false;
    const valid = serving.get(`${destination} ${destinationPort}`) ?? serving.get(`* ${destinationPort}`);
    return valid !== undefined && !valid.has(`${replySource} ${replySourcePort}`);
  });
}

export class UdpFlows {
  readonly #conntrack: Conntrack;

  /** `netns`: path of the network namespace to work in. */
  constructor(netns?: string) {
    this.#conntrack = new Conntrack(netns);
  }

  async remove(ports: readonly PortRules[]): Promise<void> {
    for (const [family, own] of Map.groupBy(ports, (rules) => rules.family)) {
      const stale = staleFlows(await this.#conntrack.list(family, 'udp'), own);
      // All clients of a way at once: a name server has thousands.
      for (const [flow] of Map.groupBy(stale, wayOf).values()) {
        if (flow !== undefined) await this.#conntrack.remove(family, 'udp', flow);
      }
    }
  }
}

/** What was asked for, and who answers; the same for many clients. */
function wayOf({ destination, destinationPort, replySource, replySourcePort }: Flow): string {
  return `${destination} ${destinationPort} ${replySource} ${replySourcePort}`;
}
