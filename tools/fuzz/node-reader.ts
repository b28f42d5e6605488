// How Node.js's own parser, llhttp in its strict mode, reads the bytes of a client: the other opinion on framing.
// Knows nothing of the engine. Keeps nothing open.

import { createServer } from 'node:http';
import { Duplex } from 'node:stream';

export interface NodeRequest {
  readonly method: string;
  readonly url: string;
  /** In the form that `comparable` gives. */
  readonly body: string;
}

export interface NodeReading {
  /** Requests that came whole, in order. */
  readonly requests: readonly NodeRequest[];
  /** Error code of the parser, or empty. */
  readonly error: string;
}

class Wire extends Duplex {
  override _read(): void {}

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

/**
 * The same bytes with another name in place of `Upgrade`: behind a request with that, llhttp stops reading, whoever
 * answers what. One letter changes, so lengths and framing stay as they are.
 */
function withoutUpgrade(bytes: string): string {
  return bytes.replace(/u(?=pgrade[ \t]*:)/gi, 'X');
}

/** A body as it can be compared with one that `readAsNode` found. */
export function comparable(body: string): string {
  return body.replace(/u/gi, 'X');
}

/** What a server of Node.js makes of `bytes` (Latin-1), when the client then closes its side. */
export async function readAsNode(bytes: string): Promise<NodeReading> {
  const requests: NodeRequest[] = [];
  let error = '';
  const server = createServer({ maxHeaderSize: 256 * 1024, requireHostHeader: false, insecureHTTPParser: false });
  server.maxHeadersCount = 0;
  const serve: Parameters<typeof server.on>[1] = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (!request.complete) return;
      requests.push({
        method: request.method ?? '',
        url: request.url ?? '',
        body: comparable(Buffer.concat(parts).toString('latin1')),
      });
      response.end();
    });
  };
  server.on('request', serve);
  server.on('checkContinue', serve);
  server.on('checkExpectation', serve);
  server.on('clientError', (problem: NodeJS.ErrnoException) => {
    error = problem.code ?? problem.message;
  });
  const wire = new Wire();
  wire.on('error', () => {});
  server.emit('connection', wire);
  wire.push(Buffer.from(withoutUpgrade(bytes), 'latin1'));
  wire.push(null);
  // The streams in between pass things on within a few turns of the loop; nothing waits for anything outside.
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
  wire.destroy();
  return { requests, error };
}
