// One address and port of a Service at TCP: accepts, and makes a flow of each connection.
// Knows nothing of which addresses there should be.

import { createServer, type Server, type Socket } from 'node:net';
import type { FlowContext, FlowRoute } from '../layer4/context.ts';
import { socketPair } from '../listeners/peer.ts';
import { TcpFlow } from './tcp-flow.ts';

export class TcpListener {
  readonly #server: Server;
  readonly #flows = new Set<TcpFlow>();

  /** `taken` says of a socket, paused and unread, that somebody else serves it. */
  constructor(context: FlowContext, route: FlowRoute, taken: (socket: Socket) => boolean = () => false) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      if (taken(socket)) return;
      const pair = socketPair(socket);
      if (pair === undefined) {
        socket.destroy();
        return;
      }
      const flow: TcpFlow = new TcpFlow(context, route, socket, pair, () => this.#flows.delete(flow));
      this.#flows.add(flow);
      flow.start();
    });
  }

  get connections(): number {
    return this.#flows.size;
  }

  /** Resolves with the port; rejects with what binding threw. */
  listen(address: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen({ host: address, port, backlog: 1024 }, () => {
        const bound = this.#server.address();
        resolve(bound !== null && typeof bound === 'object' ? bound.port : port);
      });
    });
  }

  onSnapshot(): void {
    // Flows stay with their endpoint, whatever becomes of it.
  }

  /** Accepts nobody any more; flows go on. */
  close(): void {
    this.#server.close();
  }

  destroy(): void {
    this.close();
    for (const flow of this.#flows) flow.destroy();
  }
}
