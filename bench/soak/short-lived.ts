// Connections that carry one request each, at a steady pace, and what became of them.
// Few enough a second that the ports of loopback are not used up. Knows nothing of the gateway.

import { connect } from 'node:net';

const REQUEST = 'GET /shop/items HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n';

export class ShortLived {
  count = 0;
  /** By the system's code, or by the status that was not 200. */
  readonly failures: Record<string, number> = {};
  readonly #timer: NodeJS.Timeout;
  readonly #port: number;
  #open = 0;

  constructor(port: number, everyMs: number) {
    this.#port = port;
    this.#timer = setInterval(() => this.#one(), everyMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const until = performance.now() + 5000;
    while (this.#open > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    if (this.#open > 0) this.#failed('not closed', this.#open);
  }

  #one(): void {
    this.count++;
    this.#open++;
    let text = '';
    const socket = connect(this.#port, '127.0.0.1', () => socket.write(REQUEST));
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      text += piece;
    });
    let failure = '';
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message;
    });
    socket.on('close', () => {
      this.#open--;
      if (failure === '' && !text.startsWith('HTTP/1.1 200')) failure = text === '' ? 'no answer' : text.slice(9, 12);
      if (failure !== '') this.#failed(failure, 1);
    });
  }

  #failed(kind: string, count: number): void {
    const name = `short connection: ${kind}`;
    this.failures[name] = (this.failures[name] ?? 0) + count;
  }
}
