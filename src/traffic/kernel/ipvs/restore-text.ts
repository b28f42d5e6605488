// The text that ipvsadm saves and restores: read into a table, and written as the steps from one table to another.
// Pure; knows nothing of who runs it.
import { FOREIGN_WAY, type IpvsTable, type Virtual } from './table.ts';

/** Lines of `ipvsadm -R`. What makes comes first, so that no client meets a gap; what removes comes when all is made. */
export interface TableChange {
  readonly makes: readonly string[];
  readonly removes: readonly string[];
}

/** From one to the other; only at `keys`, where they are said. */
export function tableChange(have: IpvsTable, want: IpvsTable, keys?: Iterable<string>): TableChange {
  const makes: string[] = [];
  const removes: string[] = [];
  for (const key of keys ?? new Set([...have.keys(), ...want.keys()])) {
    const [before, after] = [have.get(key), want.get(key)];
    if (after === undefined) {
      if (before !== undefined) removes.push(`-D ${key}`);
      continue;
    }
    if (before === undefined) makes.push(`-A ${key} ${serviceWords(after)}`);
    else if (serviceWords(before) !== serviceWords(after)) makes.push(`-E ${key} ${serviceWords(after)}`);
    for (const [destination, weight] of after.destinations) {
      const was = before?.destinations.get(destination);
      if (was !== weight) makes.push(`${was === undefined ? '-a' : '-e'} ${key} -r ${destination} -m -w ${weight}`);
    }
    for (const destination of before?.destinations.keys() ?? []) {
      if (!after.destinations.has(destination)) removes.push(`-d ${key} -r ${destination}`);
    }
  }
  return { makes, removes };
}

function serviceWords({ scheduler, persistentSeconds, others }: Virtual): string {
  const persistent = persistentSeconds === 0 ? '' : ` -p ${persistentSeconds}`;
  return `-s ${scheduler}${persistent}${others === '' ? '' : ` ${others}`}`;
}

/** What `ipvsadm -S -n` prints. Lines that it does not know are passed over. */
export function parseSaved(text: string): Map<string, Virtual> {
  const table = new Map<string, Virtual & { readonly destinations: Map<string, number> }>();
  for (const line of text.split('\n')) {
    const [verb, ...words] = line.trim().split(' ');
    const isMark = words[0] === '-f';
    const key = words.splice(0, isMark && words[2] === '-6' ? 3 : 2).join(' ');
    if (verb === '-A') table.set(key, { ...serviceOf(words), destinations: new Map() });
    else if (verb === '-a') {
      const [destination, weight] = destinationOf(words);
      if (destination !== undefined) table.get(key)?.destinations.set(destination, weight);
    }
  }
  return table;
}

function serviceOf(words: readonly string[]): Omit<Virtual, 'destinations'> {
  let scheduler = '';
  let persistentSeconds = 0;
  const others: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const [word = '', value = ''] = [words[at], words[at + 1]];
    if (word === '-s') scheduler = value;
    else if (word === '-p') persistentSeconds = Number(value);
    else {
      others.push(word);
      continue;
    }
    at += 1;
  }
  return { scheduler, persistentSeconds, others: others.join(' ') };
}

function destinationOf(words: readonly string[]): [string | undefined, number] {
  const after = (word: string): string | undefined => {
    const at = words.indexOf(word);
    return at === -1 ? undefined : words[at + 1];
  };
  return [after('-r'), words.includes('-m') ? Number(after('-w') ?? 1) : FOREIGN_WAY];
}

/** Connections by `key destination`, of what `ipvsadm -L -n` prints: active ones and those that are about to end. */
export function parseConnections(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  let key = '';
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const [first, second = '', third] = words;
    if (first === 'TCP') key = `-t ${second}`;
    else if (first === 'UDP') key = `-u ${second}`;
    else if (first === 'SCTP') key = `--sctp-service ${second}`;
    else if (first === 'FWM') key = `-f ${second}${third === 'IPv6' ? ' -6' : ''}`;
    else if (first === '->' && words.length >= 6) {
      const [active, inactive] = words.slice(-2).map(Number);
      if (key !== '') counts.set(`${key} ${second}`, (active ?? 0) + (inactive ?? 0));
    }
  }
  return counts;
}
