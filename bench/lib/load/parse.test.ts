// Tests of reading what the load tools print.
// The texts are as the tools print them; nothing is started.

import { describe, expect, it } from 'vitest';
import { p99OfLog, parseH2load } from './h2load.ts';
import { parseWrk } from './wrk.ts';

const wrkText = `Running 5s test @ http://127.0.0.1:18410/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.20ms  210.00us   9.88ms   92.11%
    Req/Sec    53.01k     1.20k   55.10k    80.00%
  Latency Distribution
     50%    1.16ms
     75%    1.23ms
     90%    1.35ms
     99%    1.94ms
  263912 requests in 5.01s, 64.68MB read
Requests/sec:  52677.05
Transfer/sec:     12.91MB
`;

describe('the output of wrk', () => {
  it('gives requests, time and p99', () => {
    expect(parseWrk(wrkText)).toEqual({ requests: 263_912, errors: 0, seconds: 5.01, p99Ms: 1.94 });
  });

  it('gives latencies in milliseconds whatever the unit', () => {
    expect(parseWrk(wrkText.replace('99%    1.94ms', '99%  640.00us')).p99Ms).toBeCloseTo(0.64);
    expect(parseWrk(wrkText.replace('99%    1.94ms', '99%    2.10s')).p99Ms).toBeCloseTo(2100);
    expect(parseWrk(wrkText.replace('in 5.01s', 'in 1.00m')).seconds).toBe(60);
  });

  it('adds up socket errors and bad statuses', () => {
    const text = wrkText.replace(
      'Requests/sec',
      '  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 90\nRequests/sec',
    );
    expect(parseWrk(text).errors).toBe(100);
  });

  it('is refused when it is something else', () => {
    expect(() => parseWrk('unable to connect to 127.0.0.1:1 Connection refused')).toThrow('Connection refused');
  });
});

const h2loadText = `starting benchmark...
Main benchmark duration is over for thread #0. Stopping all clients.

finished in 5.01s, 20100.20 req/s, 3.03MB/s
requests: 100501 total, 101501 started, 100501 done, 100501 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 100501 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 15.14MB (15878158) total, 1.73MB (1813018) headers (space savings 94.07%), 12.27MB (12864128) data
`;

describe('the output of h2load', () => {
  it('gives requests and time', () => {
    expect(parseH2load(h2loadText)).toEqual({ requests: 100_501, errors: 0, seconds: 5.01 });
  });

  it('counts bad statuses and failed requests as errors', () => {
    expect(parseH2load(h2loadText.replace('codes: 100501 2xx', 'codes: 100401 2xx')).errors).toBe(100);
    expect(parseH2load(h2loadText.replace('100501 succeeded', '100500 succeeded')).errors).toBe(1);
  });

  it('gives seconds whatever the unit', () => {
    expect(parseH2load(h2loadText.replace('in 5.01s', 'in 850.00ms')).seconds).toBeCloseTo(0.85);
  });

  it('is refused when it is something else', () => {
    expect(() => parseH2load('h2load: cannot resolve')).toThrow('cannot resolve');
  });

  it('has its 99th percentile in the log', () => {
    const lines = Array.from({ length: 100 }, (_, i) => `1700000000\t200\t${(i + 1) * 1000}`);
    expect(p99OfLog(`${lines.join('\n')}\n`)).toBe(99);
    expect(p99OfLog('')).toBeNaN();
  });
});
