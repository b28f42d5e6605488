// What `Retry-After` says, in both forms and in none.
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../http1/limits.ts';
import { parseResponseHead, ResponseHead } from '../http1/response-head.ts';
import { retryAfterMs } from './retry-after.ts';

function headWith(line: string): ResponseHead {
  const text = `HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n${line}\r\n`;
  const head = new ResponseHead();
  expect(parseResponseHead(text, text.length, head, defaultLimits)).toBeUndefined();
  return head;
}

const now = Date.UTC(2026, 0, 1);

describe('retryAfterMs', () => {
  it.each([
    ['Retry-After: 120\r\n', 120_000],
    ['retry-after:0\r\n', 0],
    ['Retry-After: Thu, 01 Jan 2026 00:00:30 GMT\r\n', 30_000],
    ['Retry-After: Thu, 01 Jan 2015 00:00:30 GMT\r\n', 0],
    ['Retry-After: -5\r\n', 0],
    ['Retry-After: soon\r\n', 0],
    ['Retry-After: 1e9\r\n', 0],
    ['', 0],
  ])('reads %j as %d ms', (line, ms) => {
    expect(retryAfterMs(headWith(line), now)).toBe(ms);
  });
});
