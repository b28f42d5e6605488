// Fuzzes what clients send: mutated requests through the real engine, judged by laws that hold for any bytes.
// Knows nothing of the codec; the second opinions are a strict reader of its own and Node.js's parser.

import { METHODS } from 'node:http';
import { fieldValues, readResponses, type StrictMessage } from '../../src/traffic/proxy/testing/strict-reader.ts';
import { mutated, segments } from './mutate.ts';
import { comparable, type NodeReading, readAsNode } from './node-reader.ts';
import type { Random } from './random.ts';
import type { Rig, Told } from './rig.ts';

/** A law that was broken, and by which bytes. */
export interface Finding {
  readonly law: string;
  readonly detail: string;
  readonly input: string;
}

const canary = 'GET /canary HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** One mutated client beside one that is well-behaved; what is wrong, if anything. */
export async function fuzzRequest(rig: Rig, corpus: readonly string[], random: Random): Promise<Finding | undefined> {
  const input = mutated(corpus, random);
  const pieces = segments(input, random);
  const [address, other] = [rig.nextAddress(), rig.nextAddress()];
  const [told, neighbour] = await Promise.all([rig.talk(address, pieces), rig.talk(other, [canary])]);
  const after = rig.nextAddress();
  const next = await rig.talk(after, [canary]);
  const seen = rig.take(address);
  for (const one of [other, after]) rig.take(one);
  const node = await readAsNode(input);
  const broken =
    strangers(told, address) ||
    intact(neighbour, other) ||
    intact(next, after) ||
    hangs(told) ||
    (rig.malformed.length > 0 ? `The backend got no request: ${rig.malformed.splice(0).join()}` : '') ||
    agreement(seen, node) ||
    wellFormed(told, seen, node);
  return broken === '' ? undefined : { law: broken.split(':')[0] as string, detail: broken, input };
}

function hangs(told: Told): string {
  return told.hung ? 'The connection hangs: it is not closed after its client has closed' : '';
}

/** No answer is for somebody else. */
function strangers(told: Told, address: string): string {
  for (const [, who] of told.received.matchAll(/^who=([0-9.]+);/gm)) {
    if (who !== address) return `An answer went to another client: ${who} to ${address}`;
  }
  return '';
}

/** A client that sends one plain request gets one plain answer, its own. */
function intact(told: Told, address: string): string {
  const { messages, rest, error } = readResponses(told.received, ['GET'], true);
  const [answer] = messages;
  const whole = error === '' && rest === '' && messages.length === 1 && answer?.body === `who=${address};`;
  return whole ? '' : `A good client is harmed: ${JSON.stringify(told.received.slice(0, 500))}`;
}

/** Whatever was forwarded, Node.js's parser finds in the client's bytes too: as many, in order, with the same bodies. */
export function agreement(seen: readonly StrictMessage[], node: NodeReading): string {
  for (const [index, request] of seen.entries()) {
    const [method = '', target = ''] = request.start.split(' ');
    const same = node.requests[index];
    if (same === undefined) {
      // llhttp knows a list of methods, and stops at any other.
      if (node.error === 'HPE_INVALID_METHOD' && !METHODS.includes(method)) return '';
      return `A request was forwarded that nobody sent: ${request.start}, Node.js says ${node.error} behind ${node.requests.length}`;
    }
    if (same.method !== method) return `Methods differ: ${method} and ${same.method}`;
    if (same.body !== comparable(request.body)) {
      return `Bodies differ: ${JSON.stringify(request.body.slice(0, 200))} and ${JSON.stringify(same.body.slice(0, 200))}`;
    }
    if (normal(same.url, method) !== target) return `Targets differ: ${target} and ${same.url}`;
    if (fieldValues(request, 'host').length !== 1) return `Not one Host: ${request.start}`;
  }
  return '';
}

/** The path that a target means, in its normal form, by rewriting instead of by segments. */
export function normal(url: string, method: string): string {
  const origin = url.replace(/^https?:\/\/[^/?]*/i, '');
  if (origin === '' && method === 'OPTIONS') return '*';
  if (origin === '*') return '*';
  const queryAt = origin.indexOf('?');
  const query = queryAt < 0 ? '' : origin.slice(queryAt);
  let path = queryAt < 0 ? origin : origin.slice(0, queryAt);
  path = path.replace(/%([0-9a-f]{2})/gi, (escaped, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : escaped.toUpperCase();
  });
  path = path.replace(/\/{2,}/g, '/').replace(/^$/, '/');
  for (let before = ''; before !== path; ) {
    before = path;
    path = path.replace(/\/\.(?=\/|$)/, (_, at: number) => (at + 2 === before.length ? '/' : ''));
  }
  for (let before = ''; before !== path; ) {
    before = path;
    path = path.replace(/(?:^|\/(?!\.\.(?:\/|$))[^/]+)\/\.\.(?=\/|$)/, '').replace(/^$/, '/');
    // What ended with a dot segment ends with a slash.
    if (/\/\.\.$/.test(before) && !path.endsWith('/')) path += '/';
  }
  return path + query;
}

/** What a client gets is a line of whole responses; only the last may be cut. */
function wellFormed(told: Told, seen: readonly StrictMessage[], node: NodeReading): string {
  const forwarded = seen.map(({ start }) => start.split(' ')[0] as string);
  const methods = [...forwarded, ...node.requests.slice(seen.length).map(({ method }) => method), 'GET'];
  const { error, messages } = readResponses(told.received, methods, true);
  if (error !== '') return `A malformed response: ${error}, in ${JSON.stringify(told.received.slice(0, 500))}`;
  const finals = messages.filter(({ start }) => Number(start.slice(9, 12)) >= 200);
  return finals.length > methods.length ? `More responses than requests: ${finals.length}` : '';
}
