// Fuzzes both sides of HTTP/2: mutated frames of a client, and of a backend, through the real engine.
// Knows nothing of the codec under test but the numbers of frames; the laws hold for any bytes.

import { END_STREAM, GOAWAY, HEADERS, PREFACE, SETTINGS } from '../../src/traffic/proxy/http2/frames.ts';
import { mutated, segments } from './mutate.ts';
import type { Random } from './random.ts';
import type { Finding } from './requests.ts';
import { FRAMES, type Rig } from './rig.ts';

const HEAD = 9;
const canary = 'GET /canary HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** Mutates single bytes, or whole frames: those are what a session is made of. */
function mutatedFrames(corpus: readonly string[], random: Random): string {
  if (random.once(3)) return mutated(corpus, random);
  const text = random.of(corpus);
  const from = text.startsWith(PREFACE) ? PREFACE.length : 0;
  const frames = framesOf(text.slice(from));
  for (let changes = 1 + random.below(4); changes > 0; changes--) change(frames, random, corpus);
  return text.slice(0, from) + frames.join('');
}

function change(frames: string[], random: Random, corpus: readonly string[]): void {
  const place = random.below(frames.length + 1);
  const frame = frames[place] ?? '';
  const set = (at: number, value: number): void => {
    if (frame.length >= HEAD) frames[place] = frame.slice(0, at) + String.fromCharCode(value) + frame.slice(at + 1);
  };
  const other = framesOf(random.of(corpus).replace(PREFACE, ''));
  switch (random.below(7)) {
    case 0:
      frames.splice(place, 1);
      break;
    case 1:
      frames.splice(place, 0, ...Array.from({ length: random.once(4) ? 300 : 2 }, () => frame));
      break;
    case 2:
      set(3, random.below(12));
      break;
    case 3:
      set(4, random.below(64));
      break;
    case 4:
      set(8, random.below(8));
      break;
    case 5:
      set(2, random.below(64));
      break;
    default:
      frames.splice(place, 0, random.of(other) ?? '');
  }
}

/** Cuts Latin-1 text into frames; what is left over at the end is one more. */
function framesOf(text: string): string[] {
  const frames: string[] = [];
  let pos = 0;
  while (text.length - pos >= HEAD) {
    const size = (text.charCodeAt(pos) << 16) | (text.charCodeAt(pos + 1) << 8) | text.charCodeAt(pos + 2);
    frames.push(text.slice(pos, pos + HEAD + size));
    pos += HEAD + size;
  }
  if (pos < text.length) frames.push(text.slice(pos));
  return frames;
}

const typeOf = (frame: string): number => frame.charCodeAt(3);

/** What a client of HTTP/2 got has to be frames, SETTINGS first, and at most one end of each stream. */
function wellFormed(received: string): string {
  const frames = framesOf(received);
  const [first] = frames;
  if (first === undefined) return '';
  if (typeOf(first) !== SETTINGS) return `The first frame is no SETTINGS: ${JSON.stringify(first)}`;
  const ended = new Set<string>();
  for (const frame of frames) {
    // The last may be cut by the end of the connection.
    if (frame.length < HEAD || typeOf(frame) > 9) continue;
    const id = frame.slice(5, HEAD);
    if (ended.has(id) && typeOf(frame) <= HEADERS) return `A stream goes on behind its end: ${JSON.stringify(frame)}`;
    if (typeOf(frame) <= HEADERS && (frame.charCodeAt(4) & END_STREAM) !== 0) ended.add(id);
    if (typeOf(frame) === GOAWAY && frame.length !== HEAD + 8) return `Not a GOAWAY: ${JSON.stringify(frame)}`;
  }
  return '';
}

async function harmed(rig: Rig): Promise<string> {
  const address = rig.nextAddress();
  const { received } = await rig.talk(address, [canary]);
  rig.take(address);
  return received.endsWith(`who=${address};`)
    ? ''
    : `A good client is harmed: ${JSON.stringify(received.slice(0, 300))}`;
}

function finding(broken: string, input: string): Finding | undefined {
  return broken === '' ? undefined : { law: broken.split(':')[0] as string, detail: broken, input };
}

export async function fuzzClientFrames(
  rig: Rig,
  corpus: readonly string[],
  random: Random,
): Promise<Finding | undefined> {
  const input = mutatedFrames(corpus, random);
  const address = rig.nextAddress();
  const told = await rig.talk(address, segments(input, random));
  const asked = rig.take(address).length;
  const sent = framesOf(input.replace(PREFACE, '')).filter((frame) => typeOf(frame) === HEADERS).length;
  const isHttp2 = input.startsWith(PREFACE);
  return finding(
    (told.hung ? 'The connection hangs: it is not closed after its client has closed' : '') ||
      (rig.malformed.length > 0 ? `The backend got no request: ${rig.malformed.splice(0).join()}` : '') ||
      // Forwarding twice is a retry, which the backend of this run gives no reason for.
      (isHttp2 && asked > sent ? `More requests were forwarded than sent: ${asked} of ${sent}` : '') ||
      (isHttp2 ? wellFormed(told.received) : '') ||
      (await harmed(rig)),
    input,
  );
}

/** A backend says `input` to whoever connects; the client speaks HTTP/1.1, so that the answer has to be whole or cut. */
export async function fuzzServerFrames(
  rig: Rig,
  corpus: readonly string[],
  random: Random,
): Promise<Finding | undefined> {
  const input = mutatedFrames(corpus, random);
  const pieces = segments(input, random);
  rig.frames = (socket) => {
    socket.on('data', () => {
      const piece = pieces.shift();
      if (piece !== undefined) socket.write(piece, 'latin1');
      else socket.end();
    });
    socket.write(pieces.shift() ?? '', 'latin1');
    setImmediate(() => socket.write(pieces.splice(0).join(''), 'latin1', () => socket.end()));
  };
  const address = rig.nextAddress();
  const request = `GET ${FRAMES} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
  const told = await rig.talk(address, [request]);
  const head = told.received.slice(0, Math.max(0, told.received.indexOf('\r\n\r\n')));
  return finding(
    (told.hung ? 'The client hangs: its request has no end' : '') ||
      (/\n(?!\S)|[^\r]\n|\r(?!\n)|\0/.test(head) ? `The head is not one: ${JSON.stringify(head)}` : '') ||
      (await harmed(rig)),
    input,
  );
}
