// Authorisation services for tests: one asked by HTTP, one by gRPC with grpc-js; each notes what it was asked.
// Knows nothing of gateways; the messages are read and written here anew, by the numbers of envoy.service.auth.v3.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';

export interface HttpAsked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpVerdict {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAuthoriser {
  readonly port: number;
  readonly asked: HttpAsked[];
  /** Undefined: it never answers. */
  decide: (asked: HttpAsked) => HttpVerdict | undefined;
  close(): Promise<void>;
}

export async function httpAuthoriser(decide: HttpAuthoriser['decide']): Promise<HttpAuthoriser> {
  const asked: HttpAsked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += String(part);
    });
    request.on('end', () => {
      const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      asked.push(one);
      const verdict = authoriser.decide(one);
      if (verdict !== undefined) response.writeHead(verdict.status, verdict.headers).end(verdict.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const authoriser: HttpAuthoriser = {
    port,
    asked,
    decide,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return authoriser;
}

export interface GrpcAsked {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly scheme: string;
  readonly body: string;
  readonly source: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Header = readonly [name: string, value: string];

export interface GrpcVerdict {
  /** Of google.rpc; 0 lets the request pass. */
  readonly code: number;
  readonly status?: number;
  readonly headers?: readonly Header[];
  readonly remove?: readonly string[];
  readonly responseHeaders?: readonly Header[];
  readonly body?: string;
}

export interface GrpcAuthoriser {
  readonly port: number;
  readonly asked: GrpcAsked[];
  close(): Promise<void>;
}

/** A verdict that is bytes is sent as it is. */
export async function grpcAuthoriser(decide: (asked: GrpcAsked) => GrpcVerdict | Buffer): Promise<GrpcAuthoriser> {
  const asked: GrpcAsked[] = [];
  const server = new Server();
  const check = {
    path: '/envoy.service.auth.v3.Authorization/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  } as const;
  server.addService(
    { Check: check },
    {
      Check(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        const one = readRequest(call.request);
        asked.push(one);
        const verdict = decide(one);
        done(null, Buffer.isBuffer(verdict) ? verdict : writeResponse(verdict));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return {
    port,
    asked,
    close: async () => {
      server.forceShutdown();
    },
  };
}

/** The values of what has a length, by field number. */
function read(bytes: Buffer): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++] ?? 0);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    if (tag % 8 === 0) varint();
    else {
      const length = Number(varint());
      const values = found.get(tag >> 3) ?? [];
      found.set(tag >> 3, [...values, bytes.subarray(at, at + length)]);
      at += length;
    }
  }
  return found;
}

function at(bytes: Buffer, ...path: number[]): Buffer {
  return path.reduce((inner, field) => read(inner).get(field)?.[0] ?? Buffer.alloc(0), bytes);
}

function readRequest(bytes: Buffer): GrpcAsked {
  const http = at(bytes, 1, 4, 2);
  const text = (field: number): string => at(http, field).toString();
  const headers = (read(http).get(3) ?? []).map((entry) => [at(entry, 1).toString(), at(entry, 2).toString()]);
  return {
    method: text(2),
    path: text(4),
    host: text(5),
    scheme: text(6),
    body: text(11),
    source: at(bytes, 1, 1, 1, 1, 2).toString(),
    headers: Object.fromEntries(headers) as Record<string, string>,
  };
}

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);
const number = (field: number, value: number): Buffer => Buffer.from([...varint(field * 8), ...varint(value)]);
function message(field: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);
}
const text = (field: number, value: string): Buffer => message(field, Buffer.from(value));
const option = (field: number, [name, value]: Header): Buffer =>
  message(field, message(1, text(1, name), text(2, value)));

function writeResponse(verdict: GrpcVerdict): Buffer {
  const { code, status, headers = [], remove = [], responseHeaders = [], body } = verdict;
  const google = message(1, ...(code === 0 ? [] : [number(1, code)]));
  const common = headers.map((header) => option(2, header));
  if (code === 0) {
    const more = [...remove.map((name) => text(5, name)), ...responseHeaders.map((header) => option(6, header))];
    return Buffer.concat([google, message(3, ...common, ...more)]);
  }
  const denied = [
    ...(status === undefined ? [] : [message(1, number(1, status))]),
    ...common,
    ...(body === undefined ? [] : [text(3, body)]),
  ];
  return Buffer.concat([google, message(2, ...denied)]);
}
