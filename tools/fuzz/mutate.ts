// Changes messages a little: flips, cuts, copies, splices, and words that parsers quarrel about.
// Works on Latin-1 text, byte for byte; knows nothing of what is valid.

import type { Random } from './random.ts';

/** Bytes and lines that have divided parsers before. */
const words: readonly string[] = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '\0',
  ' ',
  '\t',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  ':',
  ',',
  ';',
  '#',
  '?',
  '*',
  '/',
  '//',
  '/../',
  '/./',
  '%2e',
  '%2F',
  '%5c',
  '%00',
  '%',
  '\\',
  '..;',
  '@',
  '[::1]',
  '.',
  '0',
  '1',
  '00',
  '-1',
  '+1',
  '0x1',
  '1_0',
  'f',
  'ffffffffffffffff',
  '99999999999999999999',
  '4294967296',
  '0\r\n\r\n',
  '1\r\na\r\n',
  '3;a=b\r\nabc\r\n',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'http://b.test/',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'HEAD ',
  'POST ',
  'CONNECT ',
  'Host: a\r\n',
  'Host: b\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 05\r\n',
  'Content-Length : 5\r\n',
  'Content-Length: 5, 5\r\n',
  'content_length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding: ,chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding\t: chunked\r\n',
  'transfer_encoding: chunked\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive\r\n',
  'Connection: upgrade\r\nUpgrade: x\r\n',
  'Connection: Content-Length\r\n',
  'Connection: Transfer-Encoding, Host\r\n',
  'Upgrade: h2c\r\n',
  'Expect: 100-continue\r\n',
  'TE: trailers\r\n',
  'Trailer: X\r\n',
  'Keep-Alive: timeout=0\r\n',
  'X-Forwarded-For: 9.9.9.9\r\n',
  'Forwarded: for=9.9.9.9\r\n',
  ' folded\r\n',
  ': empty\r\n',
  'no colon\r\n',
  'X: \0\r\n',
];

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT'];

type Mutation = (text: string, random: Random, corpus: readonly string[]) => string;

const at = (text: string, random: Random): number => random.below(text.length + 1);

/** A place where a line begins: most of the grammar turns there. */
function lineStart(text: string, random: Random): number {
  const found = text.indexOf('\n', at(text, random));
  return found < 0 ? at(text, random) : found + 1;
}

const mutations: readonly Mutation[] = [
  function flipBit(text, random) {
    const place = random.below(text.length);
    return replace(text, place, 1, String.fromCharCode(text.charCodeAt(place) ^ (1 << random.below(8))));
  },
  function setByte(text, random) {
    return replace(text, random.below(text.length), 1, String.fromCharCode(random.below(256)));
  },
  function cutOut(text, random) {
    return replace(text, at(text, random), 1 + random.below(random.once(4) ? 64 : 4), '');
  },
  function cutOff(text, random) {
    return text.slice(0, at(text, random));
  },
  function copy(text, random) {
    const from = at(text, random);
    return replace(text, at(text, random), 0, text.slice(from, from + 1 + random.below(64)));
  },
  function copyLine(text, random) {
    const from = lineStart(text, random);
    const end = text.indexOf('\n', from);
    return replace(text, lineStart(text, random), 0, text.slice(from, end < 0 ? text.length : end + 1));
  },
  function insertWord(text, random) {
    return replace(text, at(text, random), 0, random.of(words));
  },
  function insertWordAtLine(text, random) {
    return replace(text, lineStart(text, random), 0, random.of(words));
  },
  function overwriteWithWord(text, random) {
    const word = random.of(words);
    return replace(text, at(text, random), word.length, word);
  },
  function changeNumber(text, random) {
    const numbers = [...text.matchAll(/[0-9]+/g)];
    if (numbers.length === 0) return text;
    const number = random.of(numbers);
    return replace(
      text,
      number.index,
      number[0].length,
      random.of(['0', '1', '5', '6', '10', '00', '255', `${number[0]}0`, `+${number[0]}`]),
    );
  },
  function changeMethod(text, random) {
    return text.replace(/^[A-Z]+ /m, `${random.of(methods)} `);
  },
  function changeCase(text, random) {
    const place = at(text, random);
    const piece = text.slice(place, place + 12);
    return replace(text, place, piece.length, random.once(2) ? piece.toUpperCase() : piece.toLowerCase());
  },
  function splice(text, random, corpus) {
    const other = random.of(corpus);
    return text.slice(0, at(text, random)) + other.slice(at(other, random));
  },
  function pipeline(text, random, corpus) {
    return random.once(2) ? text + random.of(corpus) : random.of(corpus) + text;
  },
];

function replace(text: string, place: number, length: number, by: string): string {
  return text.slice(0, place) + by + text.slice(place + length);
}

/** One of `corpus`, changed a few times; now and then not at all. */
export function mutated(corpus: readonly string[], random: Random): string {
  let text = random.of(corpus);
  for (let left = random.below(5); left > 0; left--) text = random.of(mutations)(text, random, corpus);
  return text.slice(0, 32 * 1024);
}

/** `text` in one to six pieces. */
export function segments(text: string, random: Random): string[] {
  const cuts = Array.from({ length: random.below(6) }, () => random.below(text.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => text.slice(from, cuts[i] ?? text.length)).filter((piece) => piece !== '');
}
