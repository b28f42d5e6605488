// Objects out of protocol buffers: what kubectl encodes, and bytes that are no object.
// Knows the wire format by its own small writer, written after the specification.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatusError } from '../status.ts';
import { decodeProtobuf } from './index.ts';

const varint = (value: bigint): number[] => {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
};
const number = (field: number, value: number | bigint): number[] => [
  ...varint(BigInt(field * 8)),
  ...varint(BigInt(value)),
];
const bytes = (field: number, value: string | readonly number[]): number[] => {
  const content = typeof value === 'string' ? [...Buffer.from(value)] : value;
  return [...varint(BigInt(field * 8 + 2)), ...varint(BigInt(content.length)), ...content];
};
const envelope = (apiVersion: string, kind: string, object: readonly number[]): Buffer =>
  Buffer.from([
    ...Buffer.from('k8s\0'),
    ...bytes(1, [...bytes(1, apiVersion), ...bytes(2, kind)]),
    ...bytes(2, object),
  ]);
const entry = (key: string, value: string): number[] => [...bytes(1, key), ...bytes(2, value)];

describe('decodeProtobuf()', () => {
  it('reads metadata, maps and bytes, and leaves out the zero values that JSON leaves out', () => {
    const metadata = [
      ...bytes(1, 'web'),
      ...bytes(2, ''),
      ...number(7, 0),
      ...bytes(8, []),
      ...bytes(11, entry('app', 'web')),
      ...bytes(11, entry('tier', 'front')),
      ...bytes(14, 'example.com/f'),
    ];
    const secret = [...bytes(1, metadata), ...bytes(2, entry('p', 'q')), ...bytes(3, 'Opaque'), ...number(5, 0)];
    expect(decodeProtobuf(envelope('v1', 'Secret', secret))).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'web', labels: { app: 'web', tier: 'front' }, finalizers: ['example.com/f'] },
      data: { p: 'cQ==' },
      type: 'Opaque',
      immutable: false,
    });
  });

  it('reads times, quantities, numbers or names, negative numbers, and fields that stand in their parent', () => {
    const resources = bytes(1, [...bytes(1, 'cpu'), ...bytes(2, bytes(1, '500m'))]);
    const probe = [
      ...bytes(1, bytes(2, [...bytes(1, '/healthz'), ...bytes(2, [...number(1, 1), ...bytes(3, 'http')])])),
      ...number(2, 5),
    ];
    const container = [...bytes(1, 'main'), ...bytes(8, resources), ...bytes(10, probe)];
    const volume = [...bytes(1, 'config'), ...bytes(2, bytes(19, bytes(1, bytes(1, 'settings'))))];
    const pod = [
      ...bytes(1, bytes(9, [...number(1, 1_700_000_000), ...number(2, 0)])),
      ...bytes(2, [...bytes(1, volume), ...bytes(2, container), ...number(25, -5n)]),
    ];
    expect(decodeProtobuf(envelope('v1', 'Pod', pod))).toMatchObject({
      metadata: { deletionTimestamp: '2023-11-14T22:13:20Z' },
      spec: {
        priority: -5,
        volumes: [{ name: 'config', configMap: { name: 'settings' } }],
        containers: [
          {
            name: 'main',
            resources: { limits: { cpu: '500m' } },
            livenessProbe: { httpGet: { path: '/healthz', port: 'http' }, initialDelaySeconds: 5 },
          },
        ],
      },
    });
  });

  it('passes over fields it does not know', () => {
    const metadata = [
      ...bytes(1, 'web'),
      ...bytes(900, 'new'),
      ...number(901, 1),
      ...varint(902n * 8n + 1n),
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
    ];
    expect(decodeProtobuf(envelope('v1', 'ConfigMap', bytes(1, metadata))).metadata).toEqual({ name: 'web' });
  });

  it('refuses what is no object, and kinds it has no numbers for', () => {
    const code = (body: Uint8Array): number => {
      try {
        decodeProtobuf(body);
        return 200;
      } catch (error) {
        if (error instanceof StatusError) return error.code;
        throw error;
      }
    };
    expect(code(Buffer.from('{}'))).toBe(400);
    expect(code(envelope('v1', 'Pod', [0xff]))).toBe(400);
    expect(code(envelope('v1', 'Pod', bytes(1, bytes(1, [0xc3, 0x28]))))).toBe(400);
    expect(code(envelope('example.com/v1', 'Widget', []))).toBe(415);
    expect(code(envelope('v1', 'constructor', []))).toBe(415);
  });

  it('never fails otherwise, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('Pod', 'Service', 'Event'), (body, kind) => {
        try {
          decodeProtobuf(envelope('v1', kind, [...body]));
        } catch (error) {
          expect(error).toBeInstanceOf(StatusError);
        }
      }),
    );
  });
});
