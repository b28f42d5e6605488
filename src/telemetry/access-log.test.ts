// The log of requests: which have a line, what it says, and that no line is waited for.
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { lineWriter } from './access-line.ts';
import { AccessLog } from './access-log.ts';
import { type AccessRecord, accessFields, accessLogTo, defaultAccessFields } from './access-record.ts';

const directory = mkdtempSync(join(tmpdir(), 'evenkeel-log-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const WALL = Date.UTC(2026, 0, 1);

function record(given: Partial<AccessRecord> = {}): AccessRecord {
  return {
    listener: 'web',
    client: '10.0.0.1',
    method: 'GET',
    host: 'shop.test',
    path: '/',
    protocol: 'HTTP/1.1',
    status: 200,
    durationMs: 1.5,
    bytesIn: 0,
    bytesOut: 5,
    route: '',
    cluster: '',
    endpoint: '',
    pod: '',
    attempts: 1,
    requestId: 'abc-1',
    traceId: '',
    failure: '',
    heldMs: 0,
    userAgent: 'curl/8',
    referer: '',
    ...given,
  };
}

/** Control characters, quotes, and letters beyond ASCII. */
const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0x2ff }).map((code) => String.fromCharCode(code)) });

const lines = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');

describe('a line', () => {
  it('is JSON with the fields that were picked, in their order', () => {
    const line = lineWriter({ format: 'json', fields: ['status', 'time', 'path'] });
    expect(line(record({ path: '/a"b' }), WALL)).toBe(
      '{"status":200,"time":"2026-01-01T00:00:00.000Z","path":"/a\\"b"}\n',
    );
  });

  it('is one word a field in text', () => {
    const line = lineWriter({ format: 'text', fields: ['time', 'path', 'failure', 'userAgent', 'durationMs'] });
    expect(line(record({ path: '/a\nb', userAgent: 'a "b" c' }), WALL)).toBe(
      '2026-01-01T00:00:00.000Z "/a\\nb" - "a \\"b\\" c" 1.5\n',
    );
  });

  it('stays one line of as many fields, whatever a client sends', () => {
    const json = lineWriter({ format: 'json', fields: Object.keys(accessFields) as never });
    const text = lineWriter({ format: 'text', fields: ['path', 'host', 'userAgent'] });
    fc.assert(
      fc.property(anyText, fc.string(), (path, userAgent) => {
        const one = record({ path, userAgent });
        const parsed = JSON.parse(json(one, WALL)) as AccessRecord;
        expect(parsed.path).toBe(path);
        expect(json(one, WALL).match(/\n/g)).toHaveLength(1);
        // Quoted ones are JSON, which has no blank that ends it.
        const words = text(one, WALL)
          .trimEnd()
          .match(/"(?:[^"\\]|\\.)*"|\S+/g);
        expect(words).toHaveLength(3);
      }),
      { numRuns: 50 },
    );
  });

  it('has every field but those that only headers tell, unless somebody picks', () => {
    expect(defaultAccessFields).toHaveLength(Object.keys(accessFields).length - 2);
    expect(Object.keys(JSON.parse(lineWriter(accessLogTo('-'))(record(), WALL)))).toEqual(defaultAccessFields);
  });
});

describe('AccessLog', () => {
  it('gathers lines and writes them when it closes', () => {
    const file = join(directory, 'gathered.log');
    const log = new AccessLog(accessLogTo(file), new FakeClock());
    log.write(record());
    log.write(record({ status: 404 }));
    expect(readFileSync(file, 'utf8')).toBe('');
    log.close();
    expect(lines(file).map((line) => JSON.parse(line).status)).toEqual([200, 404]);
  });

  it('takes a share of the requests, and every one that failed or was slow', () => {
    const rolls = [0.05, 0.5, 0.5, 0.5];
    const settings = { ...accessLogTo(join(directory, 'share.log')), ratio: 0.1, slow: 1000 };
    const log = new AccessLog(settings, new FakeClock(), () => rolls.shift() ?? 1);
    expect(log.wants(200, 5)).toBe(true);
    expect(log.wants(200, 5)).toBe(false);
    expect(log.wants(404, 5)).toBe(false);
    expect(log.wants(200, 999)).toBe(false);
    expect(log.wants(200, 1000)).toBe(true);
    expect(log.wants(503, 5)).toBe(true);
    log.close();
  });

  it('keeps lines in order, and its file open, when it closes while a write is under way', async () => {
    const file = join(directory, 'busy.log');
    const log = new AccessLog(accessLogTo(file), new FakeClock());
    const path = '/'.repeat(100_000);
    log.write(record({ path, status: 201 }));
    log.write(record({ path, status: 202 }));
    log.close();
    await expect.poll(() => lines(file).map((line) => JSON.parse(line).status)).toEqual([201, 202]);
    expect(log.dropped).toBe(0);
  });

  it('goes on in a new file once its own was moved away, and loses no line', async () => {
    const file = join(directory, 'turned.log');
    const clock = new FakeClock();
    const log = new AccessLog(accessLogTo(file), clock);
    const status = (path: string): number[] =>
      existsSync(path) ? lines(path).map((line) => JSON.parse(line).status) : [];
    log.write(record({ status: 201 }));
    clock.advance(200);
    await expect.poll(() => status(file)).toEqual([201]);
    renameSync(file, `${file}.1`);
    log.write(record({ status: 202 }));
    await expect
      .poll(() => {
        clock.advance(1000);
        return existsSync(file);
      })
      .toBe(true);
    log.write(record({ status: 203 }));
    log.close();
    await expect.poll(() => [...status(`${file}.1`), ...status(file)]).toEqual([201, 202, 203]);
    expect(status(file)).toContain(203);
    expect(log.dropped).toBe(0);
  });

  it('opens its file anew when it is told to, also in the middle of a write', async () => {
    const file = join(directory, 'told.log');
    const log = new AccessLog(accessLogTo(file), new FakeClock());
    log.write(record({ status: 201, path: '/'.repeat(100_000) }));
    renameSync(file, `${file}.1`);
    log.reopen();
    log.reopen();
    log.write(record({ status: 202 }));
    log.close();
    await expect.poll(() => lines(file).map((line) => JSON.parse(line).status)).toEqual([202]);
    expect(lines(`${file}.1`)).toHaveLength(1);
  });

  it('drops, and counts, what comes after it closed', () => {
    const file = join(directory, 'late.log');
    const log = new AccessLog(accessLogTo(file), new FakeClock());
    log.close();
    log.write(record());
    expect(log.dropped).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  it.runIf(existsSync('/dev/full'))('closes although the disk is full', () => {
    const log = new AccessLog(accessLogTo('/dev/full'), new FakeClock());
    log.write(record());
    log.write(record());
    log.close();
    expect(log.dropped).toBe(2);
  });
});
