// Who of the other speakers is alive, as whoever acts on it sees it.
// Types only: sockets stand behind it, in this thread or another.
import type { Peer } from './members.ts';

export interface Liveness {
  /** Of another node. */
  isAlive(node: string): boolean;
  /** Names of the other nodes that are, sorted. */
  readonly alivePeers: string[];
  /** Messages that no speaker of this cluster has sent. */
  readonly refused: number;
  /** All there are; this node among them or not. */
  setPeers(peers: readonly Peer[]): void;
  /** Tells all that this node holds nothing any more. */
  leave(): Promise<void>;
}
