// Reads the rest of a response that nobody wants, so that its connection can serve the next request.
// Gives up on one that is long or slow: a new connection costs less than that.

import type { ResponseHandler, UpstreamStream } from './upstream-stream.ts';

/** Bytes of a response that are worth reading for the sake of the connection. */
const WORTH_READING = 64 * 1024;
/** Milliseconds that they may take. */
const WORTH_WAITING = 1000;

/** Takes the response over from whoever was its handler; called within `onHead`. */
export function discard(
  stream: UpstreamStream,
  context: { now(): number; after(ms: number, fn: () => void): () => void },
): void {
  const cancel = context.after(WORTH_WAITING, () => stream.release(false, context.now()));
  let left = WORTH_READING;
  const handler: ResponseHandler = {
    onConnected() {},
    onInterim() {},
    onHead() {},
    onBody(_bytes, start, end) {
      left -= end - start;
    },
    onPause() {
      if (left < 0) {
        cancel();
        stream.release(false, context.now());
      }
      return true;
    },
    onEnd() {
      cancel();
      stream.release(left >= 0, context.now());
      return true;
    },
    onTunnel() {},
    onTunnelEnd() {},
    onTunnelClose() {
      cancel();
    },
    onFailure() {
      cancel();
    },
    onDrain() {},
  };
  stream.handOver(handler);
}
