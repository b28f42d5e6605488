// Tests of the command line that all benchmarks share.
// Knows nothing of the benchmarks.

import { describe, expect, it } from 'vitest';
import { helpText, parseOptions, UsageError } from './options.ts';

const usage = {
  name: 'sample',
  about: 'Measures nothing.',
  seconds: 5,
  rounds: 3,
  own: {
    connections: { default: 64, help: 'open at a time' },
    scenario: { default: '', help: 'a to e, all when left out' },
  },
};

describe('options', () => {
  it('have their defaults', () => {
    const options = parseOptions(usage, []);
    expect(options).toMatchObject({ seconds: 5, rounds: 3, json: false, help: false, only: [] });
    expect(options.number('connections')).toBe(64);
    expect(options.text('scenario')).toBe('');
  });

  it('take what is given', () => {
    const options = parseOptions(usage, ['--seconds', '0.5', '--rounds=2', '--json', '--only', 'nginx,caddy']);
    expect(options).toMatchObject({ seconds: 0.5, rounds: 2, json: true, only: ['nginx', 'caddy'] });
  });

  it.each([['--seconds', 'soon'], ['--rounds', '0'], ['--connections', '-4'], ['--connections', ''], ['--unknown']])(
    'refuse %s %s',
    (...words) => {
      expect(() => parseOptions(usage, words)).toThrow(UsageError);
    },
  );

  it('are all in the help', () => {
    const help = helpText(usage);
    for (const flag of ['--seconds', '--rounds', '--only', '--json', '--connections', '--scenario'])
      expect(help).toContain(flag);
    expect(help).toContain('(default 64)');
  });
});
