// The parts of active checks by themselves: which statuses count, the gRPC messages, and how many run at a time.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { healthRequest, servingStatus } from './grpc-message.ts';
import { Lanes } from './lanes.ts';
import { isExpected } from './statuses.ts';

it.each([
  [200, undefined, true],
  [204, undefined, false],
  [200, [], true],
  [204, ['200-299'], true],
  [300, ['200-299'], false],
  [404, ['200-299', '404'], true],
  [405, ['404'], false],
])('status %d is expected by %j: %s', (status, expected, answer) => {
  expect(isExpected(status, expected)).toBe(answer);
});

describe('gRPC messages', () => {
  it('ask for a service, or for the server as a whole', () => {
    expect([...healthRequest('')]).toEqual([0, 0, 0, 0, 0]);
    expect([...healthRequest('ab')]).toEqual([0, 0, 0, 0, 4, 0x0a, 2, 97, 98]);
    const long = healthRequest('x'.repeat(300));
    expect([...long.subarray(0, 8)]).toEqual([0, 0, 0, 1, 47, 0x0a, 0xac, 2]);
    expect(long).toHaveLength(5 + 3 + 300);
  });

  it.each([
    [[0, 0, 0, 0, 2, 8, 1], 'SERVING'],
    [[0, 0, 0, 0, 2, 8, 2], 'NOT_SERVING'],
    [[0, 0, 0, 0, 2, 8, 3], 'SERVICE_UNKNOWN'],
    // A field with its default value is left out.
    [[0, 0, 0, 0, 0], 'UNKNOWN'],
    // A field that came to the protocol later.
    [[0, 0, 0, 0, 4, 16, 5, 8, 1], 'SERVING'],
    [[0, 0, 0, 0, 2, 8, 9], undefined],
    [[1, 0, 0, 0, 2, 8, 1], undefined],
    [[0, 0, 0, 0, 2, 8], undefined],
    [[0, 0, 0, 0, 1, 8], undefined],
    [[0, 0, 0, 0, 2, 10, 0], undefined],
    [[], undefined],
  ])('%j says %s', (bytes, status) => {
    expect(servingStatus(Buffer.from(bytes))).toBe(status);
  });

  it('are read whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const status = servingStatus(Buffer.from(bytes));
        expect([undefined, 'UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']).toContain(status);
      }),
    );
  });
});

describe('lanes', () => {
  it('let in as many as there are, then one for each that leaves, in order', () => {
    const lanes = new Lanes(2);
    const begun: number[] = [];
    const cancels = [0, 1, 2, 3, 4].map((id) => lanes.enter(() => begun.push(id)));
    expect(begun).toEqual([0, 1]);
    cancels[2]?.();
    lanes.leave();
    expect(begun).toEqual([0, 1, 3]);
    lanes.leave();
    lanes.leave();
    expect(begun).toEqual([0, 1, 3, 4]);
    lanes.enter(() => begun.push(5));
    expect(begun).toEqual([0, 1, 3, 4, 5]);
  });

  it('are never more than there are, whatever comes and goes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom('enter', 'leave', 'cancel')),
        (count, steps) => {
          const lanes = new Lanes(count);
          let inside = 0;
          const cancels: (() => void)[] = [];
          for (const step of steps) {
            if (step === 'enter') cancels.push(lanes.enter(() => inside++));
            else if (step === 'cancel') cancels.pop()?.();
            else if (inside > 0) {
              inside--;
              lanes.leave();
            }
            expect(inside).toBeLessThanOrEqual(count);
          }
        },
      ),
    );
  });
});
