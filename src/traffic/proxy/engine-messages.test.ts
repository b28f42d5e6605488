// Messages that are easy to get wrong, through the real engine: interim answers, upgrades, odd lengths, slow readers.

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Engine } from './engine.ts';
import { Harness, portOf } from './testing/harness.ts';
import { simpleModel } from './testing/model.ts';
import { type Backend, exchange, httpBackend, RawClient, rawBackend } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

let proxy: Engine;
beforeEach(async () => {
  proxy = await harness.engine();
});

async function serve(starting: Promise<Backend>): Promise<number> {
  const backend = await harness.backend(starting);
  proxy.publish(simpleModel([backend.port]));
  await proxy.applied();
  return portOf(proxy);
}

/** A backend that answers each read with the same text. */
function says(answer: string): Promise<Backend> {
  return rawBackend((socket) => socket.on('data', () => socket.write(answer, 'latin1')));
}

function bodyOf(message: string): string {
  return message.slice(message.indexOf('\r\n\r\n') + 4);
}

describe('responses', () => {
  it('relays interim responses before the final one', async () => {
    const port = await serve(
      says('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    );
    const got = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(got).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  it('writes the space that a backend without a reason left out', async () => {
    const port = await serve(says('HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok'));
    const got = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(got).toMatch(/^HTTP\/1\.1 200 \r\n/);
  });

  it('keeps interim responses from a HTTP/1.0 client', async () => {
    const port = await serve(says('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    expect(await exchange(port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok$/,
    );
  });

  it('waits for 100 before it forwards an expected body', async () => {
    const port = await serve(
      httpBackend((request, response) => {
        request.resume();
        request.on('end', () => response.end('done'));
      }),
    );
    const client = new RawClient(port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n');
    await client.until((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    expect(bodyOf((await client.send('abc').untilClosed()).slice(25))).toBe('done');
  });

  it('closes when a final answer comes instead of 100', async () => {
    const port = await serve(says('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig'));
    const client = new RawClient(port);
    const got = await client
      .send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 300\r\n\r\n')
      .untilClosed();
    expect(got).toMatch(/^HTTP\/1\.1 413 [\s\S]*Connection: close\r\n\r\nbig$/);
  });

  it('relays an answer that comes before the request is whole, then closes', async () => {
    const port = await serve(
      httpBackend((_request, response) => {
        response.writeHead(403);
        response.end('no');
      }),
    );
    const client = new RawClient(port);
    const got = await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome').untilClosed();
    expect(got).toMatch(/^HTTP\/1\.1 403 /);
    expect(got).toMatch(/Connection: close/);
  });

  it.each([
    ['HEAD with a length', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n', /Content-Length: 99\r\n/],
    [
      'HEAD of a chunked body',
      'HEAD',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      /Transfer-Encoding: chunked\r\n/,
    ],
    ['304 with a length', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n', /Content-Length: 99\r\n/],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', /204 No Content\r\n/],
  ])('sends no body for %s, and keeps the connection', async (_name, method, answer, expected) => {
    const port = await serve(says(answer));
    const client = new RawClient(port);
    const one = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
    await client.send(one).until((text) => text.endsWith('\r\n\r\n'));
    const got = await client.send(one).until((text) => text.split('\r\n\r\n').length === 3);
    expect(got).toMatch(expected);
    client.destroy();
  });

  it('frames a body without length as chunks, and for HTTP/1.0 by closing', async () => {
    const port = await serve(
      rawBackend((socket) => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil close', 'latin1'))),
    );
    const modern = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(bodyOf(modern)).toBe('b\r\nuntil close\r\n0\r\n\r\n');
    expect(bodyOf(await exchange(port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'))).toBe('until close');
  });

  it('relays trailers, both ways', async () => {
    const port = await serve(
      httpBackend((request, response) => {
        request.resume();
        request.on('end', () => {
          response.writeHead(200, { Trailer: 'X-Sum' });
          response.write(`got ${request.trailers['x-up']}`);
          response.addTrailers({ 'X-Sum': '42' });
          response.end();
        });
      }),
    );
    const got = await exchange(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: X-Up\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Up: 7\r\n\r\n',
    );
    expect(got).toContain('Trailer: X-Sum\r\n');
    expect(got).toMatch(/got 7\r\n0\r\nX-Sum: 42\r\n\r\n$/);
  });

  it('cuts the connection when a backend breaks off within a body', async () => {
    const port = await serve(
      rawBackend((socket) =>
        socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'latin1')),
      ),
    );
    const got = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(bodyOf(got)).toBe('abc');
  });

  it('answers 502 to a malformed response', async () => {
    const port = await serve(says('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'));
    expect(await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('never gives a surplus response to the next client', async () => {
    const port = await serve(
      rawBackend((socket) =>
        socket.on('data', () =>
          socket.write(
            'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
          ),
        ),
      ),
    );
    for (let i = 0; i < 3; i++) {
      const got = await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      expect(bodyOf(got)).toBe('ok');
    }
  });
});

describe('upgrades', () => {
  it('carries a WebSocket both ways', async () => {
    const backend = await harness.backend(httpBackend((_request, response) => response.end()));
    const sockets = new WebSocketServer({ server: backend.server as import('node:http').Server });
    sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(`echo ${message}`)));
    proxy.publish(simpleModel([backend.port]));
    await proxy.applied();
    const client = new WebSocket(`ws://127.0.0.1:${portOf(proxy)}/chat`);
    const answer = await new Promise<string>((resolve, reject) => {
      client.on('open', () => client.send('hello'));
      client.on('message', (message) => resolve(String(message)));
      client.on('error', reject);
    });
    expect(answer).toBe('echo hello');
    const closed = new Promise((resolve) => client.on('close', resolve));
    client.close();
    await closed;
    sockets.close();
  });

  it('counts a tunnel that the backend resets as what it was, and not as a failed attempt', async () => {
    const agreed = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
    const port = await serve(
      rawBackend((socket) => {
        socket.once('data', () => {
          socket.write(agreed);
          socket.once('data', () => socket.resetAndDestroy());
        });
      }),
    );
    const client = new RawClient(port).send('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    await client.until((text) => text.endsWith('\r\n\r\n'));
    expect(await client.send('that is all').untilClosed()).toMatch(/^HTTP\/1\.1 101 /);
    const counted = (await proxy.metricsText()).match(/^evenkeel_upstream_requests_total.*$/gm);
    expect(counted).toEqual([expect.stringMatching(/outcome="1xx"\} 1$/)]);
  });

  it('goes on as HTTP when the backend declines: what follows is a request, not a tunnel', async () => {
    const seen: string[] = [];
    const port = await serve(
      httpBackend((request, response) => {
        seen.push(`${request.method} ${request.url}`);
        response.end('plain');
      }),
    );
    const got = await exchange(
      port,
      'GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(got.match(/plain/g)).toHaveLength(2);
    expect(seen).toEqual(['GET /up', 'GET /next']);
  });

  it('does not tunnel when nobody asked to switch', async () => {
    const port = await serve(says('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'));
    expect(await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 502 /);
  });
});

describe('flow control', () => {
  it('stops reading a backend whose client does not read', async () => {
    let written = 0;
    const size = 200 * 1024 * 1024;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let stalled: () => void = () => {};
    const stall = new Promise<void>((resolve) => {
      stalled = resolve;
    });
    const port = await serve(
      rawBackend((socket) => {
        const pump = (): void => {
          while (written < size) {
            written += chunk.length;
            if (!socket.write(chunk)) {
              // A backend that waits this long waits for the client, not for the proxy's next turn.
              const timer = setTimeout(stalled, 1000);
              socket.once('drain', () => {
                clearTimeout(timer);
                pump();
              });
              return;
            }
          }
        };
        socket.once('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
          pump();
        });
      }),
    );
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest({ port, host: '127.0.0.1' }, resolve);
      request.on('error', reject);
      request.end();
    });
    await stall;
    expect(written).toBeLessThan(64 * 1024 * 1024);
    let read = 0;
    for await (const piece of response) read += (piece as Buffer).length;
    expect(read).toBe(size);
  });

  it('stops reading a backend that sends interim responses to a client that does not read', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'.repeat(1000);
    const most = 100 * 1024 * 1024;
    let written = 0;
    let stalled: () => void = () => {};
    const stall = new Promise<void>((resolve) => {
      stalled = resolve;
    });
    const port = await serve(
      rawBackend((socket) => {
        const pump = (): void => {
          while (written < most) {
            written += hints.length;
            if (socket.write(hints)) continue;
            const timer = setTimeout(stalled, 1000);
            socket.once('drain', () => {
              clearTimeout(timer);
              pump();
            });
            return;
          }
          stalled();
        };
        socket.once('data', pump);
      }),
    );
    const client = connect(port, '127.0.0.1');
    client.pause();
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await stall;
    client.destroy();
    expect(written).toBeLessThan(most);
  });

  it('stops reading a client whose backend does not read', async () => {
    let resume: () => void = () => {};
    const port = await serve(
      httpBackend((request, response) => {
        request.pause();
        resume = () => {
          let got = 0;
          request.on('data', (piece: Buffer) => {
            got += piece.length;
          });
          request.on('end', () => response.end(String(got)));
          request.resume();
        };
      }),
    );
    const size = 100 * 1024 * 1024;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let written = 0;
    const answer = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(
        { port, host: '127.0.0.1', method: 'POST', headers: { 'Content-Length': size } },
        (response) => {
          let text = '';
          response.on('data', (piece: Buffer) => {
            text += piece;
          });
          response.on('end', () => resolve(text));
        },
      );
      request.on('error', reject);
      const pump = (): void => {
        while (written < size) {
          written += chunk.length;
          if (!request.write(chunk)) {
            const timer = setTimeout(() => {
              expect(written).toBeLessThan(64 * 1024 * 1024);
              resume();
            }, 1000);
            request.once('drain', () => {
              clearTimeout(timer);
              pump();
            });
            return;
          }
        }
        request.end();
      };
      pump();
    });
    expect(answer).toBe(String(size));
  });
});
