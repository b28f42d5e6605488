// Fuzzes what comes from the network beside a node: frames of ARP and of neighbour discovery, and heartbeats.
// The laws: nothing throws, padding changes nothing, and an answer is true: about an address that is held, and to who asked.
import { answerArp, answerSolicitation, type Place } from '../../src/traffic/announce/l2/answer.ts';
import { decodeArp, encodeArp, gratuitousArps } from '../../src/traffic/announce/l2/wire/arp.ts';
import {
  BROADCAST,
  ETHER_TYPE,
  ETHERNET_HEADER,
  etherType,
  newFrame,
  sameBytes,
} from '../../src/traffic/announce/l2/wire/ethernet.ts';
import {
  checksum,
  decodeSolicitation,
  multicastHardware,
  solicitedNode,
  unsolicitedAdvertisement,
} from '../../src/traffic/announce/l2/wire/ndp.ts';
import { decodeHeartbeat, encodeHeartbeat } from '../../src/traffic/announce/liveness/message.ts';
import { mutated } from './mutate.ts';
import type { Random } from './random.ts';
import type { Finding } from './requests.ts';

const ours = Uint8Array.of(2, 0, 0, 0, 0, 1);
const theirs = Uint8Array.of(2, 0, 0, 0, 0, 2);
const held4 = Uint8Array.of(192, 0, 2, 200);
const other4 = Uint8Array.of(192, 0, 2, 100);
const held6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 7);
const other6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
const nobody6 = new Uint8Array(16);
const place: Place = { hardware: ours, holds: (address) => sameBytes(address, held4) || sameBytes(address, held6) };
const key = new Uint8Array(32);

const IPV6_HEADER = 40;
const ICMP = ETHERNET_HEADER + IPV6_HEADER;

/** A question for an address; `options` follow the target. */
export function solicitation(source: Uint8Array, target: Uint8Array, options: readonly number[]): Uint8Array {
  const group = solicitedNode(target);
  const size = 24 + options.length;
  const frame = newFrame(multicastHardware(group), theirs, ETHER_TYPE.ipv6, IPV6_HEADER + size);
  frame[ETHERNET_HEADER] = 0x60;
  frame[ETHERNET_HEADER + 5] = size;
  frame[ETHERNET_HEADER + 6] = 58;
  frame[ETHERNET_HEADER + 7] = 255;
  frame.set(source, ETHERNET_HEADER + 8);
  frame.set(group, ETHERNET_HEADER + 24);
  frame[ICMP] = 135;
  frame.set(target, ICMP + 8);
  frame.set(options, ICMP + 24);
  return summed(frame);
}

/** A question for an IPv4 address. */
export function request(target: Uint8Array): Uint8Array {
  const message = { senderHardware: theirs, senderAddress: other4, targetHardware: new Uint8Array(6) };
  return encodeArp(BROADCAST, theirs, { operation: 'request', ...message, targetAddress: target });
}

/** The same with a checksum that fits, as far as there is room for one: what gets beyond the first checks. */
function summed(frame: Uint8Array): Uint8Array {
  const length = ((frame[ETHERNET_HEADER + 4] ?? 0) << 8) | (frame[ETHERNET_HEADER + 5] ?? 0);
  const icmp = frame.subarray(ICMP, ICMP + length);
  if (icmp.length < 4) return frame;
  icmp.fill(0, 2, 4);
  const sum = checksum(
    frame.subarray(ETHERNET_HEADER + 8, ETHERNET_HEADER + 24),
    frame.subarray(ETHERNET_HEADER + 24, ICMP),
    icmp,
  );
  icmp[2] = sum >> 8;
  icmp[3] = sum & 0xff;
  return frame;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const sourceOption = [1, 1, ...theirs];
const frames = [
  request(held4),
  request(other4),
  ...gratuitousArps(held4, theirs),
  solicitation(other6, held6, sourceOption),
  solicitation(other6, held6, [14, 1, 1, 2, 3, 4, 5, 6, ...sourceOption]),
  solicitation(nobody6, held6, []),
  solicitation(other6, other6, sourceOption),
  unsolicitedAdvertisement(held6, theirs),
].map(text);
const heartbeats = [false, true].map((leaving) =>
  text(encodeHeartbeat({ from: 'n1', run: 7n, sequence: 3, answers: 9n, leaving }, key)),
);

/** One mutated frame and one mutated heartbeat; what is wrong, if anything. */
export function fuzzLayer2(random: Random): Finding | undefined {
  const input = random.once(3) ? mutated(frames, random) : nudged(random);
  const beat = mutated(heartbeats, random);
  try {
    const known = heartbeats.includes(beat);
    if (!known && decodeHeartbeat(Buffer.from(beat, 'latin1'), key) !== undefined) {
      return { law: 'A heartbeat that nobody signed counts', detail: 'It was decoded', input: beat };
    }
    const bytes = Uint8Array.from(Buffer.from(input, 'latin1'));
    const detail =
      wrongReading(bytes) ?? wrongAnswer(bytes, answerArp(bytes, place) ?? answerSolicitation(bytes, place));
    return detail === undefined ? undefined : { law: detail, detail, input };
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { law: 'A frame makes it throw', detail, input };
  }
}

/** A few bytes of a good frame are others, with a checksum that fits. */
function nudged(random: Random): string {
  const bytes = Uint8Array.from(Buffer.from(random.of(frames), 'latin1'));
  for (let count = random.below(4); count > 0; count--) bytes[random.below(bytes.length)] = random.below(256);
  const cut = random.once(4) ? bytes.slice(0, random.below(bytes.length + 1)) : bytes;
  return text(etherType(cut) === ETHER_TYPE.ipv6 ? summed(cut) : cut);
}

/** Frames are padded to the least size of Ethernet: what stands behind the message is no part of it. */
function wrongReading(bytes: Uint8Array): string | undefined {
  const read = (frame: Uint8Array): string => JSON.stringify([decodeArp(frame), decodeSolicitation(frame)]);
  const padded = new Uint8Array(bytes.length + 18);
  padded.set(bytes);
  const plain = read(bytes);
  return plain !== '[null,null]' && plain !== read(padded) ? 'Padding changes what a frame says' : undefined;
}

/** What is wrong with an answer to a frame: undefined where nothing is, and where there is rightly none. */
export function wrongAnswer(frame: Uint8Array, answer: Uint8Array | undefined): string | undefined {
  if (answer === undefined) return undefined;
  const type = etherType(frame);
  if (etherType(answer) !== type) return 'The answer is of another protocol';
  if (!sameBytes(answer.subarray(6, 12), ours)) return 'The answer comes from a foreign hardware address';
  if (sameBytes(frame.subarray(6, 12), ours)) return 'A frame of our own is answered';
  if ((answerArp(answer, place) ?? answerSolicitation(answer, place)) !== undefined) return 'An answer is answered';
  return type === ETHER_TYPE.arp ? wrongArp(frame, answer) : wrongAdvertisement(frame, answer);
}

function wrongArp(frame: Uint8Array, answer: Uint8Array): string | undefined {
  const asked = decodeArp(frame);
  const said = decodeArp(answer);
  if (asked === undefined || said?.operation !== 'reply') return 'The answer is no reply';
  if (!sameBytes(asked.targetAddress, held4)) return 'An address that is not held is answered for';
  const isHere = sameBytes(said.senderAddress, held4) && sameBytes(said.senderHardware, ours);
  if (!isHere) return 'The reply does not say that the address is here';
  const back =
    sameBytes(said.targetAddress, asked.senderAddress) && sameBytes(answer.subarray(0, 6), asked.senderHardware);
  return back ? undefined : 'The reply goes to somebody who did not ask';
}

function wrongAdvertisement(frame: Uint8Array, answer: Uint8Array): string | undefined {
  const asked = decodeSolicitation(frame);
  if (asked === undefined) return 'What is no solicitation is answered';
  if (!sameBytes(asked.target, held6)) return 'An address that is not held is answered for';
  const icmp = answer.subarray(ICMP);
  const [source, destination] = [answer.subarray(ETHERNET_HEADER + 8, 38), answer.subarray(38, ICMP)];
  if (icmp[0] !== 136 || checksum(source, destination, icmp) !== 0) return 'The answer is no good advertisement';
  const isHere = sameBytes(icmp.subarray(8, 24), held6) && sameBytes(icmp.subarray(26, 32), ours);
  if (!isHere) return 'The advertisement does not say that the address is here';
  const nameless = asked.source.every((byte) => byte === 0);
  return nameless || sameBytes(destination, asked.source) ? undefined : 'It goes to somebody who did not ask';
}
