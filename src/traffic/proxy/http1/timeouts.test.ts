// Peers that are slow on purpose or by accident: heads, bodies, readers, and backends that never answer.
// The clock is moved by hand; what is asserted is who is cut off, when, and with which words.

import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { ClockLab } from '../testing/clock-lab.ts';
import { type Backend, type RawClient, rawBackend } from '../testing/peers.ts';
import { statuses } from '../testing/wire-lab.ts';
import { defaultLimits } from './limits.ts';

let lab: ClockLab | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const SECOND = 1000;

/** What backends got of the test under way. */
let seen = '';

function backend(answer = OK): Promise<Backend> {
  seen = '';
  return rawBackend((socket) => {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      seen += text;
      if (answer !== '') socket.write(answer, 'latin1');
    });
  });
}

/** Sends `text` and waits until the engine has read it: a request on a later connection has been answered. */
async function delivered(lab: ClockLab, client: RawClient, text: string): Promise<void> {
  client.send(text);
  await new Promise<void>((resolve) => client.socket.write('', () => resolve()));
  // The engine reads in this thread: it is behind the read of a connection made, and refused, after this write.
  await lab.client().send('\n').untilClosed();
}

describe('a slow head (slowloris)', () => {
  it('is answered 408 once its time is over, whatever trickles in', async () => {
    lab = await ClockLab.start(await backend());
    const client = lab.client();
    await delivered(lab, client, 'GET / HTTP/1.1\r\n');
    for (let second = 1; second < defaultLimits.headTimeout / SECOND; second++) {
      lab.clock.advance(SECOND);
      await delivered(lab, client, `X-${second}: y\r\n`);
      expect(client.received).toBe('');
    }
    lab.clock.advance(SECOND);
    expect(statuses(await client.untilClosed())).toEqual([408]);
    expect(seen).toBe('');
  });

  it('is cut off without a word where nothing at all was sent', async () => {
    lab = await ClockLab.start(await backend());
    const client = lab.client();
    await delivered(lab, client, '');
    lab.clock.advance(defaultLimits.headTimeout);
    expect(await client.untilClosed()).toBe('');
  });

  it('is not what an empty line behind a request is: the idle connection closes without a word', async () => {
    lab = await ClockLab.start(await backend());
    const client = lab.client().send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until((text) => text.endsWith('ok'));
    await delivered(lab, client, '\r\n');
    lab.clock.advance(defaultLimits.idleTimeout);
    expect(statuses(await client.untilClosed())).toEqual([200]);
  });
});

describe('a slow body (R.U.D.Y.)', () => {
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n';

  it('is answered 408 when nothing comes any more', async () => {
    lab = await ClockLab.start(await backend(''));
    const client = lab.client();
    await delivered(lab, client, `${head}abc`);
    lab.clock.advance(defaultLimits.bodyTimeout - SECOND);
    await delivered(lab, client, '');
    expect(client.received).toBe('');
    lab.clock.advance(SECOND);
    expect(statuses(await client.untilClosed())).toEqual([408]);
  });

  it('is answered 408 when it comes in single bytes', async () => {
    lab = await ClockLab.start(await backend(''));
    const client = lab.client();
    await delivered(lab, client, head);
    for (let spent = 0; spent < defaultLimits.bodyTimeout; spent += 10 * SECOND) {
      expect(client.received).toBe('');
      await delivered(lab, client, 'x');
      lab.clock.advance(10 * SECOND);
    }
    expect(statuses(await client.untilClosed())).toEqual([408]);
  });

  it('is no body that is long but moves', async () => {
    lab = await ClockLab.start(await backend(''));
    const client = lab.client();
    await delivered(lab, client, head);
    for (let part = 0; part < 5; part++) {
      lab.clock.advance(defaultLimits.bodyTimeout - SECOND);
      await delivered(lab, client, 'x'.repeat(defaultLimits.bodyMinimum));
    }
    expect([client.received, client.closed]).toEqual(['', false]);
  });

  it('whose head nobody answers and whose client waits for 100 ends with 408, and the backend is let go', async () => {
    lab = await ClockLab.start(await backend(''));
    const client = lab.client();
    await delivered(lab, client, 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    await eventually('the backend has the head', () => expect(seen).toMatch(/Expect: 100-continue/));
    lab.clock.advance(defaultLimits.bodyTimeout);
    expect(statuses(await client.untilClosed())).toEqual([408]);
  });

  it('is not waited for when a client that was told to wait for 100 sends it anyway', async () => {
    lab = await ClockLab.start(await backend(''));
    const client = lab.client();
    await delivered(lab, client, 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    client.send('hello');
    await eventually('the backend has the body', () => expect(seen).toMatch(/\r\n\r\nhello$/));
  });
});

describe('a slow reader', () => {
  it('is cut off when it takes nothing in its time, and the backend with it', async () => {
    const size = 100 * 1024 * 1024;
    let closed = false;
    const endless = await rawBackend((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
        const pump = (): void => {
          while (!socket.destroyed && socket.write(Buffer.alloc(1 << 20)));
        };
        socket.on('drain', pump);
        pump();
      });
      socket.on('close', () => {
        closed = true;
      });
    });
    lab = await ClockLab.start(endless, {}, { timeouts: { connect: 1000, response: 0, idle: 0 } });
    const client = lab.client();
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually('the engine gives it up', () => {
      lab?.clock.advance(10 * SECOND);
      expect(closed).toBe(true);
    });
  });
});

describe('a slow backend', () => {
  const timeouts = { connect: 1000, response: 5000, idle: 3000 };

  it('that never answers is answered for with 504', async () => {
    lab = await ClockLab.start(await backend(''), {}, { timeouts });
    const client = lab.client().send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await eventually('the backend is asked', () => expect(seen).not.toBe(''));
    lab.clock.advance(timeouts.response - SECOND);
    await delivered(lab, client, '');
    expect(client.received).toBe('');
    lab.clock.advance(SECOND);
    expect(statuses(await client.untilClosed())).toEqual([504]);
  });

  it('that sends interim responses and nothing else is answered for with 504', async () => {
    lab = await ClockLab.start(await backend('HTTP/1.1 102 Processing\r\n\r\n'), {}, { timeouts });
    const client = lab.client().send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await client.until((text) => text.endsWith('\r\n\r\n'));
    lab.clock.advance(timeouts.response);
    expect(statuses(await client.untilClosed())).toEqual([102, 504]);
  });

  it('that stops within a response is cut off, and the client sees that the response is not whole', async () => {
    lab = await ClockLab.start(await backend('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'), {}, { timeouts });
    const client = lab.client().send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until((text) => text.endsWith('half'));
    lab.clock.advance(timeouts.idle);
    expect(await client.untilClosed()).toMatch(/half$/);
  });
});

describe('a connection without a request', () => {
  it('closes without a word once its idle time is over', async () => {
    lab = await ClockLab.start(await backend());
    const client = lab.client().send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until((text) => text.endsWith('ok'));
    lab.clock.advance(defaultLimits.idleTimeout - SECOND);
    await delivered(lab, client, '');
    expect(client.closed).toBe(false);
    lab.clock.advance(SECOND);
    expect(statuses(await client.untilClosed())).toEqual([200]);
  });
});

describe('the time of one try', () => {
  it('begins anew when the client has sent its request, and ends a try that is not answered then', async () => {
    lab = await ClockLab.start(await backend(''), {}, {}, { timeouts: { perTry: 3 * SECOND } });
    const client = lab.client();
    await delivered(lab, client, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
    for (const letter of 'slow') {
      await delivered(lab, client, letter);
      lab.clock.advance(2 * SECOND);
    }
    await delivered(lab, client, '!');
    await eventually('the whole request is at the backend', () => expect(seen).toMatch(/slow!$/));
    expect(client.received).toBe('');
    lab.clock.advance(2 * SECOND);
    await delivered(lab, client, '');
    expect(client.received).toBe('');
    lab.clock.advance(SECOND);
    expect(await client.until((text) => text.includes('route'))).toMatch(
      /^HTTP\/1\.1 504 [\s\S]*in the time of one try/,
    );
  });
});
