// Headers looked up in a parsed head: by any case, over several lines, also those that the proxy remembers by itself.
// Parses real heads.
import { expect, it } from 'vitest';
import { defaultLimits } from './limits.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';

function parsed(...lines: string[]): RequestHead {
  const text = `GET /items?colour=sea%20green&size=1 HTTP/1.1\r\nHost: Shop.Local:8080\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
  const head = new RequestHead();
  expect(parseRequestHead(text, 0, text.length, head, defaultLimits)).toBeUndefined();
  return head;
}

it.each([
  [['X-Canary: yes'], 'x-canary', 'yes'],
  [['x-CANARY:  yes \t'], 'x-canary', 'yes'],
  [['X-Canary:'], 'x-canary', ''],
  [['X-Canary-2: no'], 'x-canary', undefined],
  [['Y-X-Canary: no'], 'x-canary', undefined],
  [['Accept: a', 'X-Other: 1', 'ACCEPT: b'], 'accept', 'a, b'],
  // Between lines that the proxy takes out of the middle.
  [['A: 1', 'Connection: close', 'B: 2', 'Content-Length: 7', 'C: 3'], 'b', '2'],
  [['Content-Length: 7'], 'content-length', '7'],
  [['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 192.0.2.2'], 'x-forwarded-for', '192.0.2.1, 192.0.2.2'],
  [['X-Request-Id: r1'], 'x-request-id', 'r1'],
  [[], 'host', 'Shop.Local:8080'],
  [['Connection: x-gone', 'X-Gone: 1'], 'x-gone', undefined],
])('of %j, "%s" is %j', (lines, name, expected) => {
  expect(parsed(...lines).header(name)).toBe(expected);
});

it('reads parameters of the query', () => {
  expect(parsed().query('colour')).toBe('sea green');
  expect(parsed().query('weight')).toBeUndefined();
});
