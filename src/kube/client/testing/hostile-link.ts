// A network between a client and a server that does what networks do: cuts, stalls, disappears.
// Sees bytes only; with TLS on both ends it cannot know where a message ends, which is the point.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  frozen: boolean;
  /** Bytes towards the client before the connection is cut; undefined for no end. */
  left: number | undefined;
}

export class HostileLink {
  readonly #target: () => number;
  #server: Server | undefined;
  #port = 0;
  readonly #pairs = new Set<Pair>();

  /** `target` is asked for the server's port at every connection, so that the server may move. */
  constructor(target: () => number) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  async up(): Promise<void> {
    const server = createServer((near) => this.#join(near));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Refuses connections and breaks those that stand. */
  async down(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    this.cut();
    await closed;
  }

  cut(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    this.#pairs.clear();
  }

  /** Cuts every connection after so many more bytes towards the client: in the middle of whatever that is. */
  cutAfter(bytes: number): void {
    for (const pair of this.#pairs) pair.left = bytes;
  }

  /** The connections of now stay open and carry nothing more, in either direction; new ones work. */
  freeze(): void {
    for (const pair of this.#pairs) pair.frozen = true;
  }

  #join(near: Socket): void {
    const far = connect(this.#target(), '127.0.0.1');
    const pair: Pair = { near, far, frozen: false, left: undefined };
    this.#pairs.add(pair);
    near.on('data', (bytes) => {
      if (!pair.frozen) far.write(bytes);
    });
    far.on('data', (bytes: Buffer) => {
      if (pair.frozen) return;
      if (pair.left === undefined) near.write(bytes);
      else if (bytes.length < pair.left) {
        pair.left -= bytes.length;
        near.write(bytes);
      } else {
        near.end(bytes.subarray(0, pair.left));
        far.destroy();
      }
    });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => {});
      from.on('close', () => {
        this.#pairs.delete(pair);
        if (!pair.frozen) to.destroy();
      });
    }
  }
}
