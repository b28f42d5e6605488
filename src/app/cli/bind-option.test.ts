// What the flags of pages make of their text.
import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { bindParser } from './bind-option.ts';

const parse = bindParser(10_256);

test.each([
  ['127.0.0.1', '127.0.0.1', 10_256],
  ['127.0.0.1:53', '127.0.0.1', 53],
  ['0.0.0.0:0', '0.0.0.0', 0],
  ['::1', '::1', 10_256],
  ['[::1]', '::1', 10_256],
  ['[2001:db8::1]:9999', '2001:db8::1', 9999],
])('%s is an address with the port that it says, or that of its flag', (text, address, port) => {
  expect(parse(text)).toEqual([{ address, port }]);
});

test('"off" is nowhere', () => {
  expect(parse('off')).toEqual([]);
});

test.each(['', ':10256', 'localhost:1', '127.0.0.1:', '127.0.0.1:65536', '[127.0.0.1]:1', '[]:1', '1.2.3'])(
  '%j is refused, with examples that have the port of the flag',
  (text) => {
    expect(() => parse(text)).toThrow(InvalidArgumentError);
    expect(() => parse(text)).toThrow('write e.g. 127.0.0.1, 0.0.0.0:10256, [::]:10256, or off.');
  },
);
