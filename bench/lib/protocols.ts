// Whether a contestant speaks HTTP/2: by ALPN over TLS, by prior knowledge without.
// Knows the first bytes of the protocol, nothing more.

import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** The preface and an empty SETTINGS frame. */
const OPENING = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('000000040000000000', 'hex'),
]);
/** Type of a SETTINGS frame, the fourth byte of its head. */
const SETTINGS = 4;
const PATIENCE_MS = 2000;

/** Undefined when it does; else what it did instead. */
export function http2Hindrance(port: number, tls: boolean): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket: Socket = tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] })
      : connectPlain(port, '127.0.0.1');
    const settle = (hindrance: string | undefined): void => {
      socket.destroy();
      resolve(hindrance);
    };
    socket.setTimeout(PATIENCE_MS, () => settle('it says nothing to an HTTP/2 preface'));
    socket.on('error', (error) => settle(`it does not speak HTTP/2 (${error.message})`));
    socket.on('close', () => settle('it closes on an HTTP/2 preface'));
    socket.on(tls ? 'secureConnect' : 'connect', () => {
      const chosen = 'alpnProtocol' in socket ? socket.alpnProtocol : 'h2';
      if (chosen === 'h2') socket.write(OPENING);
      else settle('it does not choose h2 by ALPN');
    });
    socket.on('data', (bytes: Buffer) => settle(bytes[3] === SETTINGS ? undefined : 'it does not speak HTTP/2'));
  });
}
