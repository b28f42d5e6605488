// One question to one resolver: over UDP from a port of its own, and over TCP when the answer is too long for that.
// Knows nothing of other resolvers; fails with an Error that says what happened.

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Clock } from '#lib/clock.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { FrameReader, frame } from '../wire/frames.ts';
import { type Message, message, type Question, rcodes } from '../wire/message.ts';
import { lowerName } from '../wire/name.ts';
import type { UpstreamAddress } from './upstream-address.ts';

export interface Ask {
  readonly question: Question;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

/** What fits into one packet on every common path: https://dnsflagday.net/2020 */
export const SAFE_UDP_SIZE = 1232;

/** Rejects when nothing came within `timeoutMs`, or when the resolver cannot be reached. */
export async function ask(upstream: UpstreamAddress, what: Ask, timeoutMs: number, clock: Clock): Promise<Message> {
  const query = message({
    // Together with the port, what a stranger would have to guess to slip in an answer.
    id: randomInt(0x10000),
    recursionDesired: true,
    checkingDisabled: what.checkingDisabled,
    questions: [what.question],
    edns: { udpSize: SAFE_UDP_SIZE, version: 0, dnssecOk: what.dnssecOk },
  });
  const until = clock.now() + timeoutMs;
  const left = (): number => Math.max(1, until - clock.now());
  let asked = query;
  let answer = await overUdp(upstream, asked, left(), clock);
  if (isStrangeTo(answer)) {
    // One that does not know EDNS is asked in the words of before (RFC 6891, 7).
    const { edns: _, ...plain } = query;
    asked = plain;
    answer = await overUdp(upstream, asked, left(), clock);
  }
  return answer.truncated ? overTcp(upstream, asked, left(), clock) : answer;
}

const isStrangeTo = ({ rcode, edns }: Message): boolean =>
  edns === undefined && (rcode === rcodes.FORMERR || rcode === rcodes.NOTIMP);

/** An answer to this question, and not to another one or from somebody who guesses. */
function answers(query: Message, bytes: Buffer): Message | undefined {
  const reply = decode(bytes);
  const [asked] = query.questions;
  const [repeated] = reply?.questions ?? [];
  if (reply === undefined || asked === undefined || reply.id !== query.id || !reply.response) return undefined;
  // A resolver that did not understand may leave the question out.
  if (repeated === undefined) return reply.rcode === 0 ? undefined : reply;
  const same = lowerName(repeated.name) === lowerName(asked.name);
  return same && repeated.type === asked.type && repeated.class === asked.class ? reply : undefined;
}

function overUdp(
  { address, port }: UpstreamAddress,
  query: Message,
  timeoutMs: number,
  clock: Clock,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const finish = (settle: () => void): void => {
      cancel();
      socket.removeAllListeners();
      // One more error may be on its way.
      socket.on('error', () => {});
      socket.close();
      settle();
    };
    const fail = (error: Error): void => finish(() => reject(error));
    const cancel = clock.after(timeoutMs, () => fail(new Error(`No answer within ${timeoutMs} ms`)));
    socket.on('error', fail);
    socket.on('message', (reply) => {
      const answer = answers(query, reply);
      if (answer !== undefined) finish(() => resolve(answer));
    });
    // Connected, so that the kernel keeps out everybody else, and tells of a port where nobody listens.
    // Called in both cases: where no route leads there, with what the kernel said of it.
    socket.connect(port, address, (failed?: Error) => {
      if (failed != null) fail(failed);
      else socket.send(encode(query, 65_535), (error) => error && fail(error));
    });
  });
}

function overTcp(
  { address, port }: UpstreamAddress,
  query: Message,
  timeoutMs: number,
  clock: Clock,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    const frames = new FrameReader();
    const finish = (settle: () => void): void => {
      cancel();
      socket.destroy();
      settle();
    };
    const cancel = clock.after(timeoutMs, () =>
      finish(() => reject(new Error(`No answer over TCP within ${timeoutMs} ms`))),
    );
    socket.on('error', (error) => finish(() => reject(error)));
    socket.on('close', () => finish(() => reject(new Error('The resolver closed the connection'))));
    socket.on('connect', () => socket.write(frame(encode(query, 65_535))));
    socket.on('data', (chunk) => {
      for (const reply of frames.push(chunk as Buffer)) {
        const answer = answers(query, reply);
        if (answer !== undefined) return finish(() => resolve(answer));
      }
    });
  });
}
