// The client side of an exchange: what it needs of the connection that carries it.
// Types only; keeps the exchange apart from how requests are read.

import type { Socket } from 'node:net';
import type { ClientFacts } from './compose.ts';
import type { RequestHead } from './request-head.ts';

/** The client side, as an exchange sees it. */
export interface ExchangeClient {
  readonly socket: Socket;
  readonly head: RequestHead;
  readonly listener: string;
  readonly facts: ClientFacts;
  /** Every byte of the request has arrived. */
  readonly requestComplete: boolean;
  readonly bytesIn: number;
  /** The backend takes no more for now, or again. */
  pauseRequest(): void;
  resumeRequest(): void;
  /** The client does not read: its send time-out runs until it does. */
  blocked(): void;
  /** The exchange is over; `keepAlive` tells whether the connection may carry another. */
  exchangeDone(keepAlive: boolean, now: number): void;
  /** Both sides agreed to switch protocols; bytes that came early belong to the tunnel. */
  becomeTunnel(): void;
}
