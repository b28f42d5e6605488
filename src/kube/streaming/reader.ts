// One stream to a client over WebSocket, a message for each piece: bytes, or Base64 for those who cannot read them.
// Knows messages, not what the stream is. Upstream source: apimachinery/pkg/util/httpstream/wsstream/stream.go.
import { Writable } from 'node:stream';
import { acceptWebSocket, type Upgrade } from './upgrade.ts';

const BASE64 = 'base64.binary.k8s.io';
const PROTOCOLS = ['binary.k8s.io', BASE64];

/** Ends the connection when it is ended, and is destroyed when the client goes. Undefined after a refusal. */
export async function acceptReader(upgrade: Upgrade): Promise<Writable | undefined> {
  const accepted = await acceptWebSocket(upgrade, PROTOCOLS);
  if (accepted === undefined) return undefined;
  const { protocol, webSocket } = accepted;
  const message = (chunk: Buffer): Buffer | string => (protocol === BASE64 ? chunk.toString('base64') : chunk);
  const stream = new Writable({
    // The next piece waits until this one is on its way: who reads slowly holds the source back.
    write: (chunk: Buffer, _encoding, done) => webSocket.send(message(chunk), done),
    final(done) {
      webSocket.close(1000);
      done();
    },
    destroy(error, done) {
      webSocket.terminate();
      done(error);
    },
    autoDestroy: false,
  });
  stream.on('error', () => webSocket.terminate());
  webSocket.once('close', () => stream.destroy());
  // An empty message: the client learns that the stream stands.
  webSocket.send(message(Buffer.alloc(0)));
  return stream;
}
