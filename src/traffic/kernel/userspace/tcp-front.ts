// An address and port of a Service at TCP: accepts, decides and makes a flow of each connection.
// Knows nothing of which fronts there should be.
import { createServer, type Server, type Socket } from 'node:net';
import { decide, type FrontContext, type FrontDuty, type OpenFront } from './front.ts';
import type { Place } from './sockets.ts';
import { TcpFlow } from './tcp-flow.ts';

export class TcpFront implements OpenFront {
  readonly #context: FrontContext;
  readonly #server: Server;
  readonly #flows = new Set<TcpFlow>();
  #duty: FrontDuty;
  #onIdle: (() => void) | undefined;

  constructor(context: FrontContext, duty: FrontDuty) {
    this.#context = context;
    this.#duty = duty;
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true };
    this.#server = createServer(options, (socket) => this.#accept(socket));
  }

  get flows(): number {
    return this.#flows.size;
  }

  async open(place: Place): Promise<void> {
    await this.#context.sockets.listen(this.#server, place, this.#duty.filter);
    // What cannot be accepted (no descriptor is left) is the client's loss alone.
    this.#server.on('error', () => {});
  }

  change(duty: FrontDuty): void {
    const before = this.#duty;
    this.#duty = duty;
    if (duty.filter !== before.filter) this.#context.sockets.refilter(this.#server, duty.filter);
  }

  sweep(): void {
    // Connections end when either side ends them.
  }

  cut(endpoints: ReadonlySet<string>): void {
    for (const flow of this.#flows) if (flow.endpoint !== undefined && endpoints.has(flow.endpoint)) flow.destroy();
  }

  close(onIdle: () => void): void {
    this.#server.close();
    if (this.#flows.size === 0) onIdle();
    else this.#onIdle = onIdle;
  }

  destroy(): void {
    this.#server.close();
    for (const flow of this.#flows) flow.destroy();
  }

  #accept(socket: Socket): void {
    const client = socket.remoteAddress;
    const outcome = client === undefined ? undefined : decide(this.#duty, client, this.#context);
    if (client === undefined || outcome?.type !== 'forward') {
      socket.on('error', () => {});
      // The nearest an accepted connection comes to a refused one; silence is the filter's, where there can be one.
      socket.resetAndDestroy();
      return;
    }
    const { now, sockets } = this.#context;
    // A flow stays with the Service port that took it, whatever becomes of the front.
    const { chooser } = this.#duty;
    const flow: TcpFlow = new TcpFlow(socket, {
      next: (tried) => chooser.choose(outcome.to, client, now(), tried),
      connect: (address, port) => sockets.connect(address, port),
      onEnd: () => {
        this.#flows.delete(flow);
        if (this.#flows.size === 0) this.#onIdle?.();
      },
    });
    this.#flows.add(flow);
    flow.start();
  }
}
