// The command line of a benchmark: the options all have, its own, and the help that lists them.
// Knows nothing of any benchmark; wrong usage is thrown as UsageError, for exit code 2.

import { parseArgs } from 'node:util';

export class UsageError extends Error {}

/** An option of one benchmark; those whose default is a number take numbers only. */
export interface OwnOption {
  readonly default: number | string;
  readonly help: string;
}

export interface Usage {
  readonly name: string;
  /** What it measures: one line, or a few. */
  readonly about: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly own?: Readonly<Record<string, OwnOption>>;
}

export interface Options {
  readonly seconds: number;
  readonly rounds: number;
  readonly json: boolean;
  readonly help: boolean;
  /** Contestants to take part; empty means all. */
  readonly only: readonly string[];
  number(name: string): number;
  text(name: string): string;
}

export function parseOptions(usage: Usage, args: readonly string[]): Options {
  const own = usage.own ?? {};
  const known: Record<string, { type: 'string' | 'boolean'; default: string | boolean; short?: string }> = {
    seconds: { type: 'string', default: String(usage.seconds) },
    rounds: { type: 'string', default: String(usage.rounds) },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false, short: 'h' },
  };
  for (const [name, option] of Object.entries(own)) known[name] = { type: 'string', default: String(option.default) };
  let values: Record<string, unknown>;
  try {
    values = parseArgs({ args: [...args], options: known }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}; --help lists the options`);
  }
  const number = (name: string): number => {
    const value = Number(values[name]);
    if (!Number.isFinite(value) || value <= 0 || String(values[name]).trim() === '')
      throw new UsageError(`Option --${name} is "${String(values[name])}": give a number above 0`);
    return value;
  };
  for (const [name, option] of Object.entries(own)) if (typeof option.default === 'number') number(name);
  return {
    seconds: number('seconds'),
    rounds: Math.ceil(number('rounds')),
    json: values.json === true,
    help: values.help === true,
    only: String(values.only)
      .split(',')
      .filter((name) => name !== ''),
    number,
    text: (name) => String(values[name]),
  };
}

export function helpText(usage: Usage): string {
  const lines: (readonly [string, string])[] = [
    ['--seconds N', `load on one contestant in one round (default ${usage.seconds})`],
    ['--rounds N', `rounds, each with every contestant (default ${usage.rounds})`],
    ['--only A,B', 'these contestants only'],
    ...Object.entries(usage.own ?? {}).map(
      ([name, { default: value, help }]) =>
        [`--${name} X`, value === '' ? help : `${help} (default ${value})`] as const,
    ),
    ['--json', 'every round as data instead of tables'],
    ['--help', 'this text'],
  ];
  const width = Math.max(...lines.map(([flag]) => flag.length));
  const options = lines.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`).join('\n');
  return `npm run bench -- ${usage.name} [options]\n\n${usage.about}\n\n${options}\n`;
}
