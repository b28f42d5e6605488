// Tests of the arithmetic and the reading of the benchmark of routes.
// Nothing is started.

import { describe, expect, it } from 'vitest';
import { UsageError } from '../lib/options.ts';
import { answerIn } from './asker.ts';
import { editIn } from './edits.ts';
import { growthOf } from './memory.ts';
import { figures, partsOf } from './routes.ts';
import { readGateway } from './setting.ts';
import { hostOf, manifestsOf, standingRoute } from './world.ts';

describe('parts', () => {
  it('are all when none is named, and run in one order', () => {
    expect(partsOf([])).toEqual(['propagation', 'edits', 'attach', 'memory']);
    expect(partsOf(['memory', 'edits'])).toEqual(['edits', 'memory']);
  });

  it('that do not exist are wrong usage', () => {
    expect(() => partsOf(['edit'])).toThrow(UsageError);
  });
});

describe('an answer', () => {
  it('counts once all of it is there', () => {
    const head = 'HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n';
    expect(answerIn('HTTP/1.1 404 Not')).toBeUndefined();
    expect(answerIn(`${head}1234`)).toBeUndefined();
    expect(answerIn(`${head}12345`)).toMatchObject({ status: 404 });
    const chunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n';
    expect(answerIn(chunks)).toBeUndefined();
    expect(answerIn(`${chunks}0\r\n\r\n`)).toMatchObject({ status: 200 });
  });

  it('says which edit it shows', () => {
    expect(editIn('HTTP/1.1 200 OK\r\nX-Edit: 41\r\nserver: echo')).toBe(41);
    expect(editIn('HTTP/1.1 200 OK')).toBeNaN();
  });
});

describe('growth', () => {
  it('is apart for workers of the gateway, all other threads, and the process', () => {
    const MB = 1024 * 1024;
    const before = { heaps: new Map([['main', 10 * MB]]), resident: 100 * MB };
    const heaps = new Map([
      ['main', 30 * MB],
      ['[worker 1] proxy-0', 4 * MB],
      ['[worker 2] proxy-1', 5 * MB],
      ['[worker 3] store', MB],
    ]);
    expect(growthOf(before, { heaps, resident: 150 * MB })).toEqual({
      dataPlane: 9,
      workers: 2,
      controlPlane: 21,
      process: 50,
    });
  });
});

describe('figures', () => {
  it('are the median and the nearest rank', () => {
    expect(figures([3, 1, 2])).toEqual({ samples: 3, median: 2, p99: 3 });
  });
});

describe('the world', () => {
  it('spreads routes over namespaces, each with a host of its own', () => {
    const routes = Array.from({ length: 120 }, (_, at) => standingRoute(at, 50));
    expect(new Set(routes.map(({ metadata }) => metadata?.namespace)).size).toBe(50);
    expect(new Set(Array.from({ length: 120 }, (_, at) => hostOf(at))).size).toBe(120);
  });

  it('lets every namespace lead to the echo server', () => {
    const text = manifestsOf(3);
    for (const name of ['team-0', 'team-1', 'team-2']) expect(text).toContain(`kind: HTTPRoute, namespace: ${name} }`);
  });
});

describe('a Gateway', () => {
  it('is read with its count, whether it is programmed, and where it is', () => {
    const status = {
      addresses: [{ value: '127.97.77.1' }],
      conditions: [{ type: 'Programmed', status: 'True' }],
      listeners: [{ attachedRoutes: 7 }],
    };
    expect(readGateway({ status } as never)).toEqual({ attached: 7, programmed: true, address: '127.97.77.1' });
    expect(readGateway({})).toEqual({ attached: 0, programmed: false, address: '' });
  });
});
