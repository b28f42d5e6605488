// The short way from a question to its answer: a plain question for a name of the cluster gets the bytes that were made
// ready for it, written where they are sent from. Everything else is left to the long way. Allocates next to nothing.
import type { Clock } from '#lib/clock.ts';
import type { DnsMetrics } from '../metrics.ts';
import { HEADER } from '../wire/decode.ts';
import { rcodes, types } from '../wire/message.ts';
import { PlainQuestion } from '../wire/plain-question.ts';
import type { ClusterZone } from '../zone/cluster-zone.ts';
import { MAX_UDP_SIZE, PLAIN_UDP_SIZE } from './sizes.ts';

const OPT_SIZE = 11;
const RESPONSE = 0x8000;
const AUTHORITATIVE = 0x0400;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
const CHECKING_DISABLED = 0x0010;

export interface PlainAnswersOptions {
  readonly zone: ClusterZone;
  /** Then a name that there is not is only the first of a search. */
  readonly searchPaths?: object | undefined;
  readonly metrics: DnsMetrics;
  readonly clock: Clock;
}

export class PlainAnswers {
  readonly #zone: ClusterZone;
  readonly #searches: boolean;
  readonly #metrics: DnsMetrics;
  readonly #clock: Clock;
  readonly #question = new PlainQuestion();

  constructor({ zone, searchPaths, metrics, clock }: PlainAnswersOptions) {
    this.#zone = zone;
    this.#searches = searchPaths !== undefined;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /**
   * Writes the answer to the question at `start` of `bytes` into `to` at `at`, which has room for `room` bytes; its
   * length, or 0 for a question that has to go the long way. `since`: when it came, monotonic milliseconds.
   */
  write(
    bytes: Buffer,
    start: number,
    length: number,
    to: Buffer,
    at: number,
    room: number,
    protocol: 'udp' | 'tcp',
    since: number,
  ): number {
    const question = this.#question;
    if (!question.read(bytes, start, length)) return 0;
    const prepared = this.#zone.prepared(question.name, question.type);
    if (prepared === undefined || (this.#searches && prepared.rcode === rcodes.NXDOMAIN)) return 0;
    const { body, starts } = prepared;
    const { udpSize, nameLength } = question;
    const asked = HEADER + nameLength + 4;
    const total = asked + body.length + (udpSize < 0 ? 0 : OPT_SIZE);
    const fits = protocol === 'tcp' ? room : Math.min(room, MAX_UDP_SIZE, Math.max(udpSize, PLAIN_UDP_SIZE));
    if (total > fits) return 0;

    bytes.copy(to, at, start, start + asked);
    const repeated = question.flags & (RECURSION_DESIRED | CHECKING_DISABLED);
    put16(to, at + 2, RESPONSE | AUTHORITATIVE | RECURSION_AVAILABLE | repeated | prepared.rcode);
    put16(to, at + 6, prepared.answers);
    put16(to, at + 8, prepared.authorities);
    put16(to, at + 10, prepared.additionals + (udpSize < 0 ? 0 : 1));
    let end = at + asked;
    const count = starts.length - 1;
    if (count > 1) {
      const first = starts[prepared.given++ % count] as number;
      const last = starts[count] as number;
      body.copy(to, end, first, last);
      body.copy(to, end + last - first, 0, first);
      body.copy(to, end + last, last);
    } else body.copy(to, end);
    if (prepared.apexLength > 0) put16(to, end, 0xc000 | (HEADER + nameLength - prepared.apexLength));
    end += body.length;
    if (udpSize >= 0) end = putOpt(to, end, question.dnssecOk);
    this.#metrics.asked(protocol, question.type);
    this.#metrics.answered('cluster', prepared.rcode, this.#clock.now() - since);
    return end - at;
  }
}

function putOpt(to: Buffer, at: number, dnssecOk: boolean): number {
  to[at] = 0;
  put16(to, at + 1, types.OPT);
  put16(to, at + 3, MAX_UDP_SIZE);
  put16(to, at + 5, 0);
  put16(to, at + 7, dnssecOk ? 0x8000 : 0);
  put16(to, at + 9, 0);
  return at + OPT_SIZE;
}

function put16(to: Buffer, at: number, value: number): void {
  to[at] = value >> 8;
  to[at + 1] = value & 0xff;
}
