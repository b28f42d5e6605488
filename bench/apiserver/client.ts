// A client as thin as can be: HTTP/2 sessions of an administrator, requests by path, watches as frames of bytes.
// Knows HTTP only, so that what it costs itself stays small beside the server.

import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { ClientConfig } from '../../src/kube/client/kubeconfig.ts';

/** As Go's client, in bytes. */
const CONNECTION_WINDOW = 1 << 30;

export interface Answer {
  readonly status: number;
  readonly bytes: number;
  text(): string;
}

export class Session {
  readonly #session: ClientHttp2Session;

  constructor({ server, caPem, clientCertPem, clientKeyPem, insecureSkipTlsVerify }: ClientConfig) {
    this.#session = connect(server, {
      rejectUnauthorized: insecureSkipTlsVerify !== true,
      ...(caPem === undefined ? {} : { ca: caPem }),
      ...(clientCertPem === undefined ? {} : { cert: clientCertPem, key: clientKeyPem }),
      // As Go's client: with the default of 64 kB a list would wait for the reader every few frames.
      settings: { initialWindowSize: 4 * 1024 * 1024 },
      peerMaxConcurrentStreams: 250,
    });
    this.#session.setMaxListeners(0);
    this.#session.once('connect', () => this.#session.setLocalWindowSize(CONNECTION_WINDOW));
  }

  ask(
    method: string,
    path: string,
    body?: string,
    accept = 'application/json',
    type = accept,
    encoding = 'identity',
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ':method': method,
        ':path': path,
        accept,
        'accept-encoding': encoding,
        ...(body === undefined ? {} : { 'content-type': type }),
      });
      let status = 0;
      const chunks: Buffer[] = [];
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        // Put together for who asks only: of a long list that would take longer than the list.
        const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        resolve({ status, bytes, text: () => Buffer.concat(chunks).toString() });
      });
      stream.end(body);
    });
  }

  /** Throws unless the answer is 2xx. */
  async must(...asked: Parameters<Session['ask']>): Promise<Answer> {
    const answer = await this.ask(...asked);
    if (answer.status >= 300) throw new Error(`${asked[0]} ${asked[1]}: ${answer.status} ${answer.text()}`);
    return answer;
  }

  /** Resolves once the watch stands; each chunk is handed on as it comes. */
  watch(path: string, onChunk: (chunk: Buffer) => void): Promise<ClientHttp2Stream> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({ ':path': path, accept: 'application/json' });
      stream.once('error', reject);
      stream.once('response', (headers) => {
        if (headers[':status'] === 200) resolve(stream);
        else reject(new Error(`Watch of ${path}: ${headers[':status']}`));
      });
      stream.on('data', onChunk);
    });
  }

  close(): void {
    this.#session.destroy();
  }
}

/** Runs `work` for the numbers below `count`, so many at a time. */
export async function concurrently(
  count: number,
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}
