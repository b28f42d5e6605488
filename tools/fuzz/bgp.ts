// Fuzzes what comes from a BGP peer: mutated messages in any state of a session, and BFD packets.
// The laws: nothing throws, whatever ends a session is a NOTIFICATION whose code fits, and pieces change nothing.

import { FakeClock } from '../../src/lib/clock.ts';
import { decodeBfd, encodeBfd } from '../../src/traffic/announce/bgp/bfd/packet.ts';
import { Session } from '../../src/traffic/announce/bgp/session/session.ts';
import { Puppet, wirePair } from '../../src/traffic/announce/bgp/testing/wires.ts';
import { encodeMessage } from '../../src/traffic/announce/bgp/wire/codec.ts';
import type { Message, PathAttributes } from '../../src/traffic/announce/bgp/wire/message.ts';
import { mutated, segments } from './mutate.ts';
import type { Random } from './random.ts';
import type { Finding } from './requests.ts';

const dialect = { fourOctetAs: true };
const attributes: PathAttributes = {
  origin: 'igp',
  asPath: [{ kind: 'sequence', ases: [64513, 4_200_000_000] }],
  nextHop: '192.0.2.2',
  med: 1,
  localPref: 100,
  atomicAggregate: true,
  aggregator: { as: 64513, address: '192.0.2.2' },
  communities: [1, 0xffff_ff01],
  largeCommunities: [[1, 2, 3]],
};
const opening: readonly Message[] = [
  {
    type: 'open',
    version: 4,
    as: 64513,
    holdTime: 90,
    routerId: '192.0.2.2',
    capabilities: [
      { kind: 'multiprotocol', family: 'ipv4' },
      { kind: 'multiprotocol', family: 'ipv6' },
      { kind: 'route_refresh' },
      { kind: 'four_octet_as', as: 64513 },
      { kind: 'graceful_restart', restarted: true, restartTime: 120, families: [{ family: 'ipv4', forwarding: true }] },
      { kind: 'unknown', code: 70, value: Buffer.alloc(0) },
    ],
  },
  { type: 'keepalive' },
];
const later: readonly Message[] = [
  { type: 'update', withdrawn: ['10.0.0.0/8'], attributes, announced: ['198.51.100.0/24', '0.0.0.0/0'] },
  {
    type: 'update',
    withdrawn: [],
    attributes: {
      ...attributes,
      mpReach: { family: 'ipv6', nextHops: ['2001:db8::1', 'fe80::1'], prefixes: ['2001:db8::/32', '::/0'] },
      mpUnreach: { family: 'ipv6', prefixes: ['2001:db8:1::/48'] },
      unknown: [{ flags: 0xc0, type: 99, value: Buffer.alloc(300) }],
    },
    announced: [],
  },
  { type: 'route_refresh', afi: 2, safi: 1, subtype: 0 },
  { type: 'notification', code: 6, subcode: 2, data: Buffer.from('\x03bye') },
  { type: 'keepalive' },
];
const textOf = (message: Message): string => encodeMessage(message, dialect).toString('latin1');
const start = opening.map(textOf).join('');
const messages = [...opening, ...later].map(textOf);
const packets = (['down', 'init', 'up'] as const).map((state) =>
  encodeBfd({
    diagnostic: 0,
    state,
    poll: true,
    final: false,
    multiplier: 3,
    myDiscriminator: 1,
    yourDiscriminator: 2,
    desiredMinTx: 300_000,
    requiredMinRx: 300_000,
    requiredMinEchoRx: 0,
  }).toString('latin1'),
);

/** Codes of RFC 4271 that bytes of a peer can be answered with; a cease or a hold timer never is. */
const ANSWERS = [1, 2, 3, 5];

/** One session that is told mutated messages, whole and in pieces; what is wrong, if anything. */
export function fuzzBgp(random: Random): Finding | undefined {
  const established = random.once(2);
  const input = random.once(2) ? mutated(messages, random) : framed(random);
  const said = established ? start + input : input;
  try {
    decodeBfd(Buffer.from(mutated(packets, random), 'latin1'));
    const whole = outcome([said]);
    const pieces = outcome(segments(said, random));
    if (whole.text !== pieces.text) {
      return { law: 'Pieces change a session', detail: `${whole.text}\nbecame\n${pieces.text}`, input: said };
    }
    return whole.wrong === undefined ? undefined : { law: 'A wrong answer', detail: whole.wrong, input: said };
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { law: 'A session throws', detail, input: said };
  }
}

const HEADER = 19;

/** A mutated body in a header that fits: what gets beyond the first checks. */
function framed(random: Random): string {
  const header = random.of(messages).slice(0, HEADER);
  const bodies = messages.map((message) => message.slice(HEADER)).filter((body) => body !== '');
  const body = mutated(bodies, random).slice(0, 4096 - HEADER);
  const length = HEADER + body.length;
  return header.slice(0, 16) + String.fromCharCode(length >> 8, length & 255) + header.slice(18) + body;
}

interface Outcome {
  readonly text: string;
  readonly wrong: string | undefined;
}

function outcome(said: readonly string[]): Outcome {
  const [ours, theirs] = wirePair();
  const puppet = new Puppet(theirs);
  const events: string[] = [];
  const session = new Session({
    wire: ours,
    incoming: true,
    clock: new FakeClock(),
    random: () => 0,
    own: {
      localAs: 64512,
      remoteAs: 64513,
      routerId: '192.0.2.1',
      holdTime: 90,
      families: ['ipv4', 'ipv6'],
      restartTime: 120,
      restarted: false,
      plain: false,
    },
    events: {
      opened: () => true,
      established: () => events.push('established'),
      update: (_session, update) => events.push(JSON.stringify(update)),
      refresh: (_session, family) => events.push(family),
      drained: () => {},
      ended: (_session, { words, by }) => events.push(`${by}: ${words}`),
    },
  });
  for (const piece of said) if (session.state !== 'closed') theirs.write(Buffer.from(piece, 'latin1'));
  const answer = puppet.heard.find((message) => message.type === 'notification');
  const ended = events.filter((event) => /^(us|peer|network): /.test(event));
  const text = `${session.state} ${JSON.stringify(puppet.heard)}\n${events.join('\n')}`;
  return { text, wrong: wrongIn(session.state === 'closed', answer, ended) };
}

/** What is wrong with how a session ended: `ended` has its last words, begun by who said them. */
export function wrongIn(closed: boolean, answer: Message | undefined, ended: readonly string[]): string | undefined {
  if (ended.length !== (closed ? 1 : 0))
    return `A session that is ${closed ? '' : 'not '}closed ended ${ended.length} times`;
  if (!closed) return answer === undefined ? undefined : 'A session goes on after its NOTIFICATION';
  const byUs = ended[0]?.startsWith('us: ') === true;
  if (byUs !== (answer !== undefined)) return `It ended with "${ended[0]}", and ${byUs ? 'said nothing' : 'answered'}`;
  if (answer?.type === 'notification' && !ANSWERS.includes(answer.code))
    return `It was answered with code ${answer.code}`;
  return undefined;
}
