// One client of a UDP front: its own socket towards one endpoint, and the datagrams both ways.
// Knows nothing of other clients.
import type { Socket } from 'node:dgram';
import { endpointKey } from '#traffic/snapshot/rules/port-chooser.ts';
import type { RuleEndpoint } from '#traffic/snapshot/rules/rule-model.ts';

/** As the kernel's connection tracking: never answered, and answered. */
const UNANSWERED_MS = 30_000;
const ANSWERED_MS = 120_000;
/** An endpoint that is left may answer what it has for so long. */
const LEAVING_MS = 5_000;
/** Datagrams that wait for the socket; a client that sends more meanwhile loses them, as on any full queue. */
const MOST_WAITING = 16;

export interface UdpSessionEvents {
  readonly now: () => number;
  readonly reply: (datagram: Buffer) => void;
  /** Nobody listens there, or the socket is of no use. */
  readonly failed: () => void;
}

export class UdpSession {
  readonly endpoint: string;
  answered = false;
  /** Monotonic milliseconds. */
  deadline: number;
  readonly #socket: Socket;
  readonly #events: UdpSessionEvents;
  #ready = false;
  #over = false;
  #left = false;
  #waiting: Buffer[] = [];

  constructor(socket: Socket, to: RuleEndpoint, events: UdpSessionEvents) {
    this.endpoint = endpointKey(to);
    this.#socket = socket;
    this.#events = events;
    this.deadline = events.now() + UNANSWERED_MS;
    socket.on('message', (datagram: Buffer) => {
      this.answered = true;
      if (!this.#left) this.#touch();
      events.reply(datagram);
    });
    socket.on('error', () => this.#fail());
    // A connected socket hears of nobody else, and of ports that nobody listens on.
    socket.connect(to.port, to.address, (error?: Error) => {
      if (error !== undefined && error !== null) this.#fail();
      else this.#onReady();
    });
  }

  send(datagram: Buffer): void {
    this.#touch();
    if (this.#ready) this.#write(datagram);
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(datagram);
  }

  /** Nothing more is sent; it ends soon. */
  leave(): void {
    this.#left = true;
    this.deadline = this.#events.now() + LEAVING_MS;
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.close();
  }

  #touch(): void {
    this.deadline = this.#events.now() + (this.answered ? ANSWERED_MS : UNANSWERED_MS);
  }

  #onReady(): void {
    if (this.#over) return;
    this.#ready = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const datagram of waiting) this.#write(datagram);
  }

  #write(datagram: Buffer): void {
    if (this.#over) return;
    this.#socket.send(datagram, (error) => {
      if (error !== null) this.#fail();
    });
  }

  #fail(): void {
    if (this.#over) return;
    this.close();
    this.#events.failed();
  }
}
