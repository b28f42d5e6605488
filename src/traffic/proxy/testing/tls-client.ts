// TLS clients for tests: one connection, one request, and what was agreed on.
// Knows nothing of the engine.

import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

export interface TlsAnswer {
  /** All that came until the server closed. */
  readonly text: string;
  readonly status: number;
  readonly resumed: boolean;
  readonly version: string | null;
  readonly cipher: string;
  readonly alpn: string | false | null;
  /** What the next connection may resume. */
  readonly session: Buffer | undefined;
  /** Kind of key in the server's certificate. */
  readonly keyType: string | undefined;
  readonly serverNames: string;
}

export interface TlsQuestion extends Omit<ConnectionOptions, 'port' | 'host'> {
  readonly path?: string;
  readonly hostHeader?: string;
  /** Further header lines, each with its end. */
  readonly lines?: string;
  /** Goes out ahead of the handshake. */
  readonly preface?: Buffer;
}

/** Resolves when the server has closed; rejects when there is no TLS connection, with its error. */
export async function ask(port: number, question: TlsQuestion): Promise<TlsAnswer> {
  const socket = await secure(port, question);
  let text = '';
  // TLS 1.2 hands its session over within the handshake, TLS 1.3 after it.
  let session: Buffer | undefined = socket.getProtocol() === 'TLSv1.2' ? socket.getSession() : undefined;
  socket.on('session', (ticket: Buffer) => {
    session = ticket;
  });
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  const host = question.hostHeader ?? question.servername ?? 'localhost';
  const [resumed, version, alpn] = [socket.isSessionReused(), socket.getProtocol(), socket.alpnProtocol];
  const certificate = socket.getPeerX509Certificate();
  const cipher = socket.getCipher().name;
  socket.write(
    `GET ${question.path ?? '/'} HTTP/1.1\r\nHost: ${host}\r\n${question.lines ?? ''}Connection: close\r\n\r\n`,
  );
  await once(socket, 'close');
  const status = Number(text.slice(9, 12));
  const keyType = certificate?.publicKey.asymmetricKeyType;
  const serverNames = certificate?.subjectAltName ?? '';
  return { text, status, resumed, version, cipher, alpn, session, keyType, serverNames };
}

/** A connection whose handshake is over. */
export function secure(
  port: number,
  { preface, path, hostHeader, lines, ...options }: TlsQuestion,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const plain = connectPlain({ port, host: '127.0.0.1' });
    plain.on('error', reject);
    if (preface !== undefined) plain.write(preface);
    const socket = connect({ socket: plain, ALPNProtocols: ['http/1.1'], ...options }, () => resolve(socket));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('Closed before the end of the handshake')));
  });
}
