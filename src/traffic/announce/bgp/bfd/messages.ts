// What the speaker's thread and the thread of BFD say to each other.
// Types only.
import type { BfdConfig } from '../config.ts';
import type { BfdState } from './packet.ts';
import type { BfdTarget } from './service.ts';

export type ToBfd =
  | { readonly kind: 'open'; readonly id: number; readonly target: BfdTarget; readonly config: BfdConfig }
  | { readonly kind: 'close'; readonly id: number }
  /** Say goodbye everywhere, and end. */
  | { readonly kind: 'end' };

export type FromBfd =
  | { readonly kind: 'status'; readonly id: number; readonly state: BfdState; readonly detectMs: number | undefined }
  /** The peer cannot be reached. */
  | { readonly kind: 'lost'; readonly id: number }
  | { readonly kind: 'failed'; readonly problem: string };
