// The output of containers as engines send it: frames of one stream each, cut anywhere by the transport.
// Pure; what to do with the pieces is the caller's matter. (Source: Docker Engine API, "Attach to a container".)

export type FrameStream = 'stdout' | 'stderr';

/** Length of a frame's head: stream, three zero bytes, length of the payload in network order. */
const HEAD = 8;

/** Takes chunks in any cut, and hands on payload as it comes. */
export class FrameReader {
  readonly #onPayload: (stream: FrameStream, payload: Buffer) => void;
  #head = Buffer.alloc(0);
  #stream: FrameStream = 'stdout';
  #left = 0;

  constructor(onPayload: (stream: FrameStream, payload: Buffer) => void) {
    this.#onPayload = onPayload;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        const wanted = HEAD - this.#head.length;
        this.#head = Buffer.concat([this.#head, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (this.#head.length < HEAD) return;
        this.#stream = this.#head[0] === 2 ? 'stderr' : 'stdout';
        this.#left = this.#head.readUInt32BE(4);
        this.#head = Buffer.alloc(0);
        continue;
      }
      const payload = rest.subarray(0, this.#left);
      this.#left -= payload.length;
      rest = rest.subarray(payload.length);
      this.#onPayload(this.#stream, payload);
    }
  }
}
