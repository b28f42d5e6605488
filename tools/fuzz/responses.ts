// Fuzzes what backends answer: mutated responses to plain requests through the real engine.
// Knows nothing of the codec; what clients get is judged by a strict reader of its own.

import type { Socket } from 'node:net';
import { readResponses } from '../../src/traffic/proxy/testing/strict-reader.ts';
import { mutated, segments } from './mutate.ts';
import type { Random } from './random.ts';
import type { Finding } from './requests.ts';
import { PIECES, type Rig, WHOLE } from './rig.ts';

/** Beyond this one write may come as several reads. */
const ONE_READ = 16 * 1024;

/** One client whose backend answers mutated bytes, then one whose backend is well; what is wrong, if anything. */
export async function fuzzResponse(rig: Rig, corpus: readonly string[], random: Random): Promise<Finding | undefined> {
  const input = mutated(corpus, random);
  const whole = random.once(2);
  const pieces = whole ? [input] : segments(input, random);
  const closes = random.once(3);
  const method = random.of(['GET', 'GET', 'HEAD', 'POST', 'DELETE']);
  const upgrade = random.once(6);
  const lines = upgrade ? 'Connection: upgrade\r\nUpgrade: x\r\n' : method === 'POST' ? 'Content-Length: 3\r\n' : '';
  const address = rig.nextAddress();
  const kind = whole && input.length < ONE_READ ? WHOLE : PIECES;
  const path = `${kind}/${address}`;
  const request = `${method} ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n${method === 'POST' && !upgrade ? 'abc' : ''}`;
  rig.hostile.set(path, (socket) => say(socket, pieces, closes));
  const told = await rig.talk(address, [request]);
  rig.hostile.delete(path);
  const after = rig.nextAddress();
  const next = await rig.talk(after, [
    `GET ${kind === WHOLE ? WHOLE : ''}/good HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  ]);
  for (const one of [address, after]) rig.take(one);
  const broken = verdict();
  return broken === '' ? undefined : { law: broken.split(':')[0] as string, detail: broken, input };

  function verdict(): string {
    if (told.hung || next.hung) return 'The connection hangs: it is not closed after its client has closed';
    if (rig.malformed.length > 0) return `The backend got no request: ${rig.malformed.splice(0).join()}`;
    const reading = readResponses(told.received, [method], true);
    const got = JSON.stringify(told.received.slice(0, 500));
    if (reading.error !== '') return `A malformed response: ${reading.error}, in ${got}`;
    const tunnel = reading.messages.some(({ start }) => start.slice(9, 12) === '101');
    if (tunnel && !upgrade) return `A tunnel that nobody asked for: ${got}`;
    if (reading.messages.length > 0 && reading.rest !== '' && isFinal(reading.messages.at(-1)?.start)) {
      return `More than a response: ${got}`;
    }
    if (!next.received.endsWith(`\r\n\r\nwho=${after};`)) {
      return `The next client is harmed: ${JSON.stringify(next.received.slice(0, 500))}`;
    }
    return '';
  }
}

function isFinal(start = ''): boolean {
  return Number(start.slice(9, 12)) >= 200;
}

/** Writes `pieces` one a turn, then closes where `closes` says so, or where the answer may have no other end. */
function say(socket: Socket, pieces: readonly string[], closes: boolean): void {
  const next = (index: number): void => {
    if (socket.destroyed) return;
    if (index < pieces.length) {
      socket.write(pieces[index] as string, 'latin1', () => setImmediate(() => next(index + 1)));
    } else if (closes) {
      socket.end();
    } else {
      // A client that has closed its side waits for the end of the answer: it must come, if only by this.
      setTimeout(() => socket.destroy(), 50).unref();
    }
  };
  next(0);
}
