// Log files: the CRI format, rotation, and every way to read them.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { LogFile } from '../process/log-file.ts';
import type { Runtime } from '../runtime.ts';
import { parseLogQuery } from './log-line.ts';
import { readLogs } from './read-logs.ts';

let dir: string;
let clock: FakeClock;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-logs-'));
  clock = new FakeClock(Date.UTC(2026, 0, 1));
  path = join(dir, 'c', '0.log');
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

describe('LogFile', () => {
  test('writes whole lines, however the chunks were cut', () => {
    const log = new LogFile(path, clock);
    const euro = bytes('1 €\n');
    log.write('stdout', bytes('one\ntw'));
    log.write('stderr', bytes('error\n'));
    log.write('stdout', Buffer.concat([bytes('o\n'), euro.subarray(0, 3)]));
    log.write('stdout', Buffer.concat([euro.subarray(3), bytes('rest')]));
    log.close();
    expect(readFileSync(path, 'utf8')).toBe(
      [
        '2026-01-01T00:00:00.000000000Z stdout F one',
        '2026-01-01T00:00:00.000000001Z stderr F error',
        '2026-01-01T00:00:00.000000002Z stdout F two',
        '2026-01-01T00:00:00.000000003Z stdout F 1 €',
        '2026-01-01T00:00:00.000000004Z stdout F rest',
        '',
      ].join('\n'),
    );
  });

  test('keeps four rotated files beside the current one', () => {
    const log = new LogFile(path, clock, 200);
    for (let line = 0; line < 40; line++) log.write('stdout', bytes(`line ${line}\n`));
    log.close();
    expect(existsSync(`${path}.1`)).toBe(true);
    expect(existsSync(`${path}.4`)).toBe(true);
    expect(existsSync(`${path}.5`)).toBe(false);
    expect(readFileSync(`${path}.1`, 'utf8')).toContain('line ');
  });
});

describe('readLogs()', () => {
  const read = async (query: string, log?: LogFile, during?: () => void): Promise<string> => {
    const parts: Buffer[] = [];
    const runtime = {
      follow: (_path: string, onLine: (line: string) => void) =>
        log === undefined ? undefined : { ended: log.ended, stop: log.listen(onLine) },
    } as Pick<Runtime, 'follow'>;
    const sink = {
      write: (chunk: Buffer) => {
        parts.push(chunk);
        return 0;
      },
      drained: async () => {},
      gone: () => false,
      closed: new Promise<void>(() => {}),
    };
    const done = readLogs(path, parseLogQuery(new URLSearchParams(query), clock.wall()), runtime, sink);
    during?.();
    await done;
    return Buffer.concat(parts).toString('utf8');
  };

  const write = (log: LogFile, ...lines: string[]): void => {
    for (const line of lines) {
      log.write('stdout', bytes(`${line}\n`));
      clock.advance(1000);
    }
  };

  test.each([
    ['', 'a\nb\nc\n'],
    ['tailLines=2', 'b\nc\n'],
    ['tailLines=0', ''],
    ['limitBytes=3', 'a\nb'],
    ['sinceSeconds=2', 'b\nc\n'],
    ['sinceTime=2026-01-01T00:00:02Z', 'c\n'],
    ['tailLines=1&timestamps=true', '2026-01-01T00:00:02.000000000Z c\n'],
  ])('with "%s"', async (query, text) => {
    const log = new LogFile(path, clock);
    write(log, 'a', 'b', 'c');
    log.close();
    expect(await read(query)).toBe(text);
  });

  test('follows from the file into live lines without loss, until the container ends', async () => {
    const log = new LogFile(path, clock);
    write(log, 'a', 'b');
    const text = await read('follow=true&tailLines=1', log, () => {
      write(log, 'c', 'd');
      log.close();
    });
    expect(text).toBe('b\nc\nd\n');
  });

  test('reads across rotated files', async () => {
    const log = new LogFile(path, clock, 100);
    write(log, ...'abcdef'.split(''));
    log.close();
    expect(await read('')).toBe('a\nb\nc\nd\ne\nf\n');
  });

  test('the last lines are those at the end, wherever files and pieces are cut', async () => {
    const log = new LogFile(path, clock, 3_000_000);
    const lines = Array.from({ length: 60_000 }, (_, index) => `${index} ${'x'.repeat(index % 100)}`);
    log.write('stdout', bytes(`${lines.join('\n')}\n`));
    for (const count of [40, 20_000]) log.write('stdout', bytes(`${lines.slice(0, count).join('\n')}\n`));
    log.close();
    const all = [...lines, ...lines.slice(0, 40), ...lines.slice(0, 20_000)];
    expect(existsSync(`${path}.1`)).toBe(true);
    for (const tail of [0, 1, 19_999, 20_000, 20_001, 20_050, 79_000, 90_000]) {
      const text = await read(`tailLines=${tail}`);
      expect(text).toBe(tail === 0 ? '' : `${all.slice(-tail).join('\n')}\n`);
    }
    expect(await read('')).toBe(`${all.join('\n')}\n`);
  });

  test('one stream alone, where it is asked for', async () => {
    const log = new LogFile(path, clock);
    log.write('stdout', bytes('out\n'));
    log.write('stderr', bytes('err\n'));
    log.close();
    expect(await read('stream=Stdout')).toBe('out\n');
    expect(await read('stream=Stderr')).toBe('err\n');
    expect(await read('stream=All&tailLines=2')).toBe('out\nerr\n');
    expect(() => parseLogQuery(new URLSearchParams('stream=stderr'), 0)).toThrow('stream="stderr" must be');
    expect(() => parseLogQuery(new URLSearchParams('stream=Stderr&tailLines=2'), 0)).toThrow('together');
  });

  test('a wrong parameter is named', () => {
    expect(() => parseLogQuery(new URLSearchParams('tailLines=x'), 0)).toThrow('Query parameter tailLines="x"');
    expect(() => parseLogQuery(new URLSearchParams('sinceTime=yesterday'), 0)).toThrow('sinceTime="yesterday"');
  });
});
