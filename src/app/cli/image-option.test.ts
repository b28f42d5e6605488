// What `--image` makes of its text.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commandWords, parseImage } from './image-option.ts';

test.each([
  ['node main.ts', ['node', 'main.ts']],
  ['sh -c "echo \\"a b\\" $X"', ['sh', '-c', 'echo "a b" $X']],
  ["  a 'b c'd  e\\ f  ''", ['a', 'b cd', 'e f', '']],
  ['', []],
])('%j is the words %j', (text, words) => {
  expect(commandWords(text)).toEqual(words);
});

test('quoted words come back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const text = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
      expect(commandWords(text)).toEqual(words);
    }),
  );
});

test('an image is gathered with those before it, and runs where the command was given', () => {
  const both = parseImage('host:5000/b:1=run --a=b', parseImage('a=node x.ts'));
  expect(both).toEqual({
    a: { command: [process.execPath, 'x.ts'], workingDir: process.cwd() },
    'host:5000/b:1': { command: ['run', '--a=b'], workingDir: process.cwd() },
  });
});

test.each(['a', '=run', 'a=', "a='open"])('%j is refused', (text) => {
  expect(() => parseImage(text)).toThrow(/its command|not closed/);
});
