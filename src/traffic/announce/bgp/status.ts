// What people are shown of a speaker.
// Types only.
import type { BfdState } from './bfd/packet.ts';
import type { PeerConfig } from './config.ts';
import type { PeerState } from './session/peer.ts';
import type { Family } from './wire/family.ts';

export interface PeerStatus {
  readonly name: string;
  readonly address: string;
  /** As it was configured. */
  readonly as: PeerConfig['as'];
  readonly state: PeerState;
  /** Milliseconds since the Unix epoch. */
  readonly since: number;
  /** The last thing that went wrong, also when all is well again. */
  readonly lastError?: { readonly words: string; readonly at: number };
  /** Prefixes that the peer knows from us. */
  readonly prefixes: number;
  /** Prefixes that it cannot be told, by the reason. */
  readonly withheld: readonly { readonly why: string; readonly prefixes: number }[];
  /** What was agreed on; absent while no session is established. */
  readonly session?: {
    readonly remoteAs: number;
    readonly routerId: string;
    readonly holdTimeSec: number;
    readonly families: readonly Family[];
    readonly fourOctetAs: boolean;
    /** Families whose routes the peer keeps while this process is away. */
    readonly keptOnRestart: readonly Family[];
  };
  readonly bfd?: { readonly state: BfdState; readonly detectMs: number | undefined };
}

export interface SpeakerStatus {
  readonly localAs: number;
  readonly routerId: string;
  /** Port that peers can connect to, where the speaker listens. */
  readonly port?: number;
  readonly peers: readonly PeerStatus[];
}
