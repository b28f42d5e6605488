// A flood of hosts and paths that nobody serves: it may cost time, and must not cost memory or series.
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collectGarbage } from '#lib/sys/collect-garbage.ts';
import { ClockLab } from './testing/clock-lab.ts';
import { httpBackend } from './testing/peers.ts';

const FLOOD = 100_000;
const AT_A_TIME = 1000;

let lab: ClockLab;
beforeAll(async () => {
  const backend = await httpBackend((_request, response) => response.end('ok'));
  lab = await ClockLab.start(backend, {}, {}, { path: { type: 'prefix', value: '/known' } });
});
afterAll(() => lab.close());

/** Asks `count` questions, each of a host and a path of its own, and counts the answers. */
function flood(from: number, count: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(lab.port, '127.0.0.1');
    let asked = 0;
    let answered = 0;
    let rest = '';
    const ask = (): void => {
      const batch = Array.from(
        { length: Math.min(AT_A_TIME, count - asked) },
        (_, i) => `GET /path-${from + asked + i} HTTP/1.1\r\nHost: host-${from + asked + i}.test\r\n\r\n`,
      );
      asked += batch.length;
      socket.write(batch.join(''));
    };
    socket.setEncoding('latin1').on('data', (text: string) => {
      const parts = `${rest}${text}`.split('HTTP/1.1 404');
      answered += parts.length - 1;
      rest = (parts.at(-1) ?? '').slice(-11);
      if (answered === count) socket.end();
      else if (answered === asked) ask();
    });
    socket.on('close', () => resolve(answered)).on('error', reject);
    ask();
  });
}

function heap(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it('adds under 5 MB and no series, with 100,000 unknown hosts and paths', async () => {
  // Compiled, and with the buffers that a connection needs.
  expect(await flood(0, 5000)).toBe(5000);
  const before = { heap: heap(), series: lab.series };
  expect(await flood(5000, FLOOD)).toBe(FLOOD);
  const after = { heap: heap(), series: lab.series };
  expect(after.heap - before.heap).toBeLessThan(5 * 1024 * 1024);
  expect(after.series).toBe(before.series);
}, 60_000);
