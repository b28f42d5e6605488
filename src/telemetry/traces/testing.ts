// A collector of OTLP over HTTP for tests: takes requests and says what spans they were about.
// Decodes protocol buffers by itself, so that what is written is not read by the same hand.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly state: string;
  readonly name: string;
  readonly kind: number;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** 2 is an error. */
  readonly status: number;
  readonly flags: number;
}

type Field = { readonly number: number; readonly value: bigint | Buffer };

function fields(bytes: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('A varint has no end');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (count: number): Buffer => {
    if (at + count > bytes.length) throw new Error('A field is longer than its message');
    at += count;
    return bytes.subarray(at - count, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    const wire = tag & 7;
    if (wire === 0) found.push({ number, value: varint() });
    else if (wire === 1) found.push({ number, value: take(8).readBigUInt64LE() });
    else if (wire === 2) found.push({ number, value: take(Number(varint())) });
    else if (wire === 5) found.push({ number, value: BigInt(take(4).readUInt32LE()) });
    else throw new Error(`There is no wire type ${wire}`);
  }
  return found;
}

const messages = (all: readonly Field[], number: number): Buffer[] =>
  all.filter((field) => field.number === number).map(({ value }) => value as Buffer);
const text = (all: readonly Field[], number: number): string => messages(all, number)[0]?.toString('utf8') ?? '';
const hex = (all: readonly Field[], number: number): string => messages(all, number)[0]?.toString('hex') ?? '';
const integer = (all: readonly Field[], number: number): bigint =>
  (all.find((field) => field.number === number)?.value as bigint | undefined) ?? 0n;

function attributes(pairs: readonly Buffer[]): Record<string, string | number> {
  return Object.fromEntries(
    pairs.map((bytes) => {
      const pair = fields(bytes);
      const [value] = fields(messages(pair, 2)[0] ?? Buffer.alloc(0));
      return [text(pair, 1), typeof value?.value === 'bigint' ? Number(value.value) : String(value?.value ?? '')];
    }),
  );
}

/** Throws for what is no ExportTraceServiceRequest. */
export function decodeSpans(request: Buffer): CollectedSpan[] {
  return messages(fields(request), 1).flatMap((bytes) => {
    const resourceSpans = fields(bytes);
    const about = attributes(messages(fields(messages(resourceSpans, 1)[0] ?? Buffer.alloc(0)), 1));
    return messages(resourceSpans, 2)
      .flatMap((scope) => messages(fields(scope), 2))
      .map((one) => {
        const span = fields(one);
        const status = fields(messages(span, 15)[0] ?? Buffer.alloc(0));
        return {
          service: String(about['service.name']),
          traceId: hex(span, 1),
          spanId: hex(span, 2),
          state: text(span, 3),
          parentId: hex(span, 4),
          name: text(span, 5),
          kind: Number(integer(span, 6)),
          startNanos: integer(span, 7),
          endNanos: integer(span, 8),
          attributes: attributes(messages(span, 9)),
          status: Number(integer(status, 3)),
          flags: Number(integer(span, 16)),
        };
      });
  });
}

export interface Collector {
  readonly url: string;
  readonly spans: CollectedSpan[];
  /** Headers and paths of the requests so far. */
  readonly requests: { readonly path: string; readonly headers: NodeJS.Dict<string | string[]> }[];
  /** What it answers from now on; a promise holds its answer up. */
  answer: (() => number | Promise<number>) | undefined;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', async () => {
      collector.requests.push({ path: request.url ?? '', headers: request.headers });
      const status = (await collector.answer?.()) ?? 200;
      if (status === 200) collector.spans.push(...decodeSpans(Buffer.concat(parts)));
      response.writeHead(status, { 'content-type': 'application/x-protobuf' });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    requests: [],
    answer: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return collector;
}
