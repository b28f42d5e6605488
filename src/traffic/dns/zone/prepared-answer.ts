// Answers made ready: everything behind the question as bytes, to be copied for whoever asks.
// Pure; knows nothing of where records come from. Pointers lead into the question, whatever its spelling.
import { HEADER } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { classes, message, type ResourceRecord } from '../wire/message.ts';
import { nameBytes } from '../wire/name.ts';

export interface PreparedAnswer {
  readonly rcode: number;
  readonly body: Buffer;
  readonly answers: number;
  readonly authorities: number;
  readonly additionals: number;
  /** Where each answer begins in `body`, and where the last one ends. */
  readonly starts: readonly number[];
  /** Bytes of the name that the first two bytes of `body` point to the end of the question for; 0: they are right. */
  readonly apexLength: number;
  /** How often it was given: each answer is first in its turn. */
  given: number;
}

export interface PreparedParts {
  readonly rcode: number;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
}

/** `name` is the owner in lower case. */
export function prepare(name: string, type: number, parts: PreparedParts): PreparedAnswer {
  const questions = [{ name, type, class: classes.IN }];
  const bytes = encode(message({ questions, ...parts }), 65_535);
  const begin = HEADER + nameBytes(name).length + 4;
  const starts = [0];
  // Every owner of an answer is the name asked for: a pointer of two bytes.
  for (const { data } of parts.answers) starts.push((starts.at(-1) as number) + 12 + data.length);
  return {
    rcode: parts.rcode,
    body: Buffer.from(bytes.subarray(begin)),
    answers: bytes.readUInt16BE(6),
    authorities: bytes.readUInt16BE(8),
    additionals: bytes.readUInt16BE(10),
    starts,
    apexLength: 0,
    given: 0,
  };
}

/** No such name, or no such data, for any name below that of the SOA. */
export function prepareNegative(rcode: number, soa: ResourceRecord): PreparedAnswer {
  const prepared = prepare(soa.name, soa.type, { rcode, answers: [], authorities: [soa], additionals: [] });
  return { ...prepared, starts: [0], apexLength: nameBytes(soa.name).length };
}
