// From the bytes of a question to the bytes of its answer: what is refused, what the cluster says, what others say.
// Knows no sockets. Never throws, whatever the bytes are.
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Ask } from '../forward/ask.ts';
import type { Forwarder } from '../forward/forwarder.ts';
import type { AnswerSource, DnsMetrics } from '../metrics.ts';
import { decode, headOf } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { classes, type Edns, type Message, message, type Question, rcodes, types } from '../wire/message.ts';
import { lowerName } from '../wire/name.ts';
import type { ClusterZone } from '../zone/cluster-zone.ts';
import { followAlias, type Outcome, search } from './follow-alias.ts';
import { PlainAnswers } from './plain-answers.ts';
import type { SearchPaths } from './search-paths.ts';
import { MAX_UDP_SIZE, PLAIN_UDP_SIZE } from './sizes.ts';

export interface ResponderOptions {
  readonly zone: ClusterZone;
  readonly forwarder: Forwarder;
  /** Left out: clients search themselves. */
  readonly searchPaths?: SearchPaths | undefined;
  readonly metrics: DnsMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Where plain answers are written before they are copied: nothing else happens in between. */
const room = Buffer.alloc(65_535);

export class Responder {
  readonly #options: ResponderOptions;
  /** For who sends from memory of his own. */
  readonly plain: PlainAnswers;

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.plain = new PlainAnswers(options);
  }

  /** Undefined: no answer is due. The promise never rejects. `client`: the address that asks. */
  respond(bytes: Buffer, protocol: 'udp' | 'tcp', client: string): Buffer | undefined | Promise<Buffer | undefined> {
    const since = this.#options.clock.now();
    const length = this.plain.write(bytes, 0, bytes.length, room, 0, room.length, protocol, since);
    return length > 0 ? Buffer.from(room.subarray(0, length)) : this.respondToAny(bytes, protocol, client);
  }

  /** As `respond`, for a question that has no plain answer. `bytes` are kept. */
  respondToAny(
    bytes: Buffer,
    protocol: 'udp' | 'tcp',
    client: string,
  ): Buffer | undefined | Promise<Buffer | undefined> {
    const { metrics, clock } = this.#options;
    const head = headOf(bytes);
    if (head === undefined || head.response) {
      // An answer to an answer would be the first of many.
      metrics.dropped(head === undefined ? 'short' : 'response');
      return undefined;
    }
    const started = clock.now();
    const query = decode(bytes) ?? message({ id: head.id, opcode: head.opcode, recursionDesired: head.rd });
    const answer = (outcome: Outcome): Buffer => {
      metrics.answered(outcome.source, outcome.rcode, clock.now() - started);
      return this.#write(query, outcome, protocol);
    };
    const [question] = query.questions;
    metrics.asked(protocol, question?.type ?? 0);
    try {
      const outcome = this.#outcome(query, question, client);
      return outcome instanceof Promise
        ? outcome.then(answer, (error) => answer(this.#unforeseen(error)))
        : answer(outcome);
    } catch (error) {
      return answer(this.#unforeseen(error));
    }
  }

  #outcome(query: Message, question: Question | undefined, client: string): Outcome | Promise<Outcome> {
    const { zone, forwarder } = this.#options;
    // An unknown operation may have no question, so it comes first.
    if (query.opcode !== 0) return refused(rcodes.NOTIMP);
    // Several questions were never defined (RFC 9619).
    if (question === undefined || query.questions.length > 1) return refused(rcodes.FORMERR);
    if ((query.edns?.version ?? 0) > 0) return refused(rcodes.BADVERS);
    if (question.class !== classes.IN && question.class !== classes.ANY) return refused(rcodes.REFUSED);
    // The cluster's names are nobody's to take along whole.
    if (question.type === types.AXFR || question.type === types.IXFR) return refused(rcodes.REFUSED);
    const own = zone.answer(question);
    const ask = {
      question,
      dnssecOk: query.edns?.dnssecOk ?? false,
      checkingDisabled: query.checkingDisabled,
    };
    if (own !== undefined) {
      const outcome: Outcome = { ...own, source: 'cluster', authoritative: true, authenticData: false };
      // Who does not want others to be asked gets the alias alone.
      if (own.alias !== undefined) {
        return query.recursionDesired || zone.answer({ ...question, name: own.alias }) !== undefined
          ? followAlias(outcome, own.alias, ask, zone, forwarder)
          : outcome;
      }
      return own.rcode === rcodes.NXDOMAIN ? this.#searched(outcome, ask, client) : outcome;
    }
    if (!query.recursionDesired || forwarder.isOwnProbe(question)) return refused(rcodes.REFUSED);
    const resolved = forwarder.resolve(ask);
    return resolved instanceof Promise ? resolved.then(fromUpstream) : fromUpstream(resolved);
  }

  /** The first name along the client's search path that there is, behind an alias; as it was when there is none. */
  #searched(outcome: Outcome, ask: Ask, client: string): Outcome | Promise<Outcome> {
    const { zone, forwarder, searchPaths, metrics } = this.#options;
    const names = searchPaths?.following(lowerName(ask.question.name), client) ?? [];
    if (names.length === 0) return outcome;
    return search(outcome, names, ask, zone, forwarder).then((found) => {
      metrics.searched(found === outcome ? 'none' : 'found');
      return found;
    });
  }

  #write(query: Message, outcome: Outcome, protocol: 'udp' | 'tcp'): Buffer {
    const { edns } = query;
    const mine: Edns | undefined = edns && { udpSize: MAX_UDP_SIZE, version: 0, dnssecOk: edns.dnssecOk };
    const asked = edns === undefined ? PLAIN_UDP_SIZE : Math.min(Math.max(edns.udpSize, PLAIN_UDP_SIZE), MAX_UDP_SIZE);
    return encode(
      message({
        id: query.id,
        response: true,
        opcode: query.opcode,
        authoritative: outcome.authoritative,
        recursionDesired: query.recursionDesired,
        recursionAvailable: true,
        authenticData: outcome.authenticData,
        checkingDisabled: query.checkingDisabled,
        // Its upper bits need EDNS.
        rcode: edns === undefined ? outcome.rcode & 15 : outcome.rcode,
        // Of several questions none is repeated: there is no answer to any.
        questions: query.questions.length > 1 ? [] : query.questions,
        answers: outcome.answers,
        authorities: outcome.authorities,
        additionals: outcome.additionals,
        ...(mine === undefined ? {} : { edns: mine }),
      }),
      protocol === 'udp' ? asked : 65_535,
    );
  }

  #unforeseen(error: unknown): Outcome {
    this.#options.log.error({ error: String(error) }, 'A DNS question could not be answered');
    return refused(rcodes.SERVFAIL);
  }
}

function fromUpstream(resolved: Omit<Outcome, 'source' | 'authoritative'>): Outcome {
  return { ...resolved, source: 'upstream', authoritative: false };
}

function refused(rcode: number, source: AnswerSource = 'server'): Outcome {
  return { rcode, source, authoritative: false, authenticData: false, answers: [], authorities: [], additionals: [] };
}
