// One TCP connection of a client, joined to one endpoint: bytes both ways, each side waiting for the other.
// Knows no rule: who is asked next is a function it is given.
import type { Socket } from 'node:net';
import type { RuleEndpoint } from '#traffic/snapshot/rules/rule-model.ts';

/** Endpoints asked before the client is refused. */
const ATTEMPTS = 3;
const CONNECT_MS = 10_000;
/** What was said last may take this long to go out, once the other side has closed. */
const LINGER_MS = 60_000;
/** After so long a silence the kernel asks whether the other end is there still. */
const KEEP_ALIVE_MS = 300_000;

export interface TcpFlowNeeds {
  readonly next: (tried: readonly RuleEndpoint[]) => RuleEndpoint | undefined;
  /** Throws where no socket is left. */
  readonly connect: (address: string, port: number) => Socket;
  readonly onEnd: () => void;
}

export class TcpFlow {
  /** Paused, and half open where its client closed its side. */
  readonly #client: Socket;
  readonly #needs: TcpFlowNeeds;
  readonly #tried: RuleEndpoint[] = [];
  #upstream: Socket | undefined;
  #over = false;

  constructor(client: Socket, needs: TcpFlowNeeds) {
    this.#client = client;
    this.#needs = needs;
    client.setKeepAlive(true, KEEP_ALIVE_MS);
    client.on('error', () => this.#upstream?.resetAndDestroy());
    client.on('close', () => {
      this.#over = true;
      endSoon(this.#upstream);
      needs.onEnd();
    });
  }

  start(): void {
    const target = this.#tried.length < ATTEMPTS ? this.#needs.next(this.#tried) : undefined;
    if (target === undefined) {
      this.#client.resetAndDestroy();
      return;
    }
    this.#tried.push(target);
    let upstream: Socket;
    try {
      upstream = this.#needs.connect(target.address, target.port);
    } catch {
      this.#client.resetAndDestroy();
      return;
    }
    this.#upstream = upstream;
    let joined = false;
    upstream.setTimeout(CONNECT_MS, () => upstream.destroy());
    upstream.on('error', () => {
      if (joined) this.#client.resetAndDestroy();
    });
    upstream.on('close', () => {
      if (joined) endSoon(this.#client);
      else if (!this.#over) this.start();
    });
    upstream.on('connect', () => {
      joined = true;
      upstream.setTimeout(0);
      upstream.setKeepAlive(true, KEEP_ALIVE_MS);
      // Each waits for the other's room, and an end of one side goes on to the other while bytes still come back.
      this.#client.pipe(upstream);
      upstream.pipe(this.#client);
    });
  }

  /** `address port` of the endpoint that it goes to, or tries to. */
  get endpoint(): string | undefined {
    const target = this.#tried.at(-1);
    return target === undefined ? undefined : `${target.address} ${target.port}`;
  }

  /** At once, both ways. */
  destroy(): void {
    this.#client.resetAndDestroy();
    this.#upstream?.destroy();
  }
}

/** The other side is gone: this one has what was said before, and ends. */
function endSoon(socket: Socket | undefined): void {
  if (socket === undefined || socket.destroyed) return;
  socket.setTimeout(LINGER_MS, () => socket.destroy());
  if (socket.connecting) socket.destroy();
  else socket.destroySoon();
}
