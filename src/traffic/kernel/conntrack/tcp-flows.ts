// TCP flows that the kernel remembers, for Services whose connections are to end with their endpoint.
// Knows which endpoints they have, and which clients; when one has to end is the drain's matter.
import type { PortRules } from '#traffic/snapshot/rules/rule-model.ts';
import type { CutWay } from '../contract.ts';
import { Conntrack, type Flow, type FlowWay } from './conntrack.ts';
import { endSockets } from './end-sockets.ts';

export class TcpFlows {
  readonly #conntrack: Conntrack;

  /** `netns`: path of the network namespace to work in. */
  constructor(netns?: string) {
    this.#conntrack = new Conntrack(netns);
  }

  /** Endpoints, `address port`, that flows of a port lead to and whose flows should not go on; by name of the port. */
  async strangers(ports: readonly PortRules[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const found = new Map<string, Set<string>>();
    for (const [family, own] of Map.groupBy(ports, (rules) => rules.family)) {
      const byFront = new Map(own.flatMap((rules) => rules.fronts.map((front) => [placeOf(front), rules] as const)));
      for (const flow of await this.#conntrack.list(family, 'tcp')) {
        const rules = byFront.get(`${flow.destination} ${flow.destinationPort}`);
        const endpoint = `${flow.replySource} ${flow.replySourcePort}`;
        if (rules?.drain === undefined || rules.drain.kept.has(endpoint) || isPlain(flow)) continue;
        const endpoints = found.get(rules.name) ?? new Set();
        found.set(rules.name, endpoints.add(endpoint));
      }
    }
    return found;
  }

  /**
   * Ends connections of these ways at the sockets of clients on this machine, so that both sides know at once. Clients
   * elsewhere know when they speak next. Throws where no sockets can be ended here.
   */
  async endAtClients(ways: readonly CutWay[]): Promise<void> {
    const clients = new Set<string>();
    for (const way of ways) {
      for (const flow of await this.#conntrack.list(way.family, 'tcp', flowWay(way))) {
        clients.add(`${flow.source} ${flow.sourcePort} ${way.address} ${way.port}`);
      }
    }
    if (clients.size === 0) return;
    endSockets(({ local, peer }) => clients.has(`${placeOf(local)} ${placeOf(peer)}`));
  }

  /** The kernel forgets their connections; whoever speaks after that begins anew, and is refused by whom it meets. */
  async forget(ways: readonly CutWay[]): Promise<void> {
    for (const way of ways) await this.#conntrack.remove(way.family, 'tcp', flowWay(way));
  }
}

function flowWay({ address, port, endpoint }: CutWay): FlowWay {
  return {
    destination: address,
    destinationPort: port,
    replySource: endpoint.address,
    replySourcePort: endpoint.port,
  };
}

function placeOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address} ${port}`;
}

/** Not translated, as one that began before its Service did. */
function isPlain({ destination, destinationPort, replySource, replySourcePort }: Flow): boolean {
  return replySource === destination && replySourcePort === destinationPort;
}
