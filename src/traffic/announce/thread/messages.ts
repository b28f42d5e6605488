// What the speaker's main thread and the thread that announces say to each other.
// Types only.
import type { LogFields } from '#lib/log.ts';
import type { Series } from '#telemetry/series.ts';
import type { L2Announcement } from '#traffic/model/announce/announcement.ts';
import type { Peer, Times } from '../liveness/members.ts';

export interface AnnouncerData {
  /** What is counted of layer 2. */
  readonly metrics: SharedArrayBuffer;
  /** Two 32-bit counters, at `COUNTERS`. */
  readonly counters: SharedArrayBuffer;
}

/** `beats` grows as long as the main thread gets to anything; `refused` are heartbeats. */
export const COUNTERS = { beats: 0, refused: 1 } as const;

export interface HeartbeatSettings {
  readonly name: string;
  readonly key: Uint8Array;
  readonly port: number;
  readonly times?: Times;
  /** Find out which nodes are silent, as well. */
  readonly silence?: boolean;
}

export type ToAnnouncer =
  | { readonly kind: 'open_l2'; readonly interfaces: readonly string[] }
  | { readonly kind: 'hold'; readonly announcements: readonly L2Announcement[] }
  | { readonly kind: 'announce_all' }
  | { readonly kind: 'close_l2' }
  | { readonly kind: 'open_heartbeats'; readonly settings: HeartbeatSettings }
  /** `version` grows with each. */
  | { readonly kind: 'peers'; readonly version: number; readonly peers: readonly Peer[] }
  | { readonly kind: 'leave' }
  | { readonly kind: 'close_heartbeats' }
  /** Close what is open, and end. */
  | { readonly kind: 'end' };

export interface Opened {
  readonly of: 'heartbeats' | 'l2';
  /** Why it could not be opened. */
  readonly failure?: { readonly message: string; readonly code?: string };
}

export type FromAnnouncer =
  | ({ readonly kind: 'opened' } & Opened)
  | { readonly kind: 'interfaces'; readonly names: readonly string[] }
  /** Of the peers of `version`. */
  | { readonly kind: 'alive'; readonly version: number; readonly names: readonly string[] }
  /** `seeming` is how many nodes seem silent, whether or not that counts. */
  | { readonly kind: 'silent'; readonly names: readonly string[]; readonly seeming: number }
  /** This thread, or the main one, stood still so long that others may have taken over. */
  | { readonly kind: 'paused'; readonly ms: number }
  | { readonly kind: 'left' }
  | { readonly kind: 'series'; readonly series: Series }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'error' | 'info' | 'warn';
      readonly part: 'l2' | 'liveness';
      readonly fields: LogFields;
      readonly message: string;
    };
