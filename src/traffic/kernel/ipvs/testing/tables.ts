// Tables and elements drawn at random, and the kernel's part in reading them, for tests of the IPVS driver.
// Refuses what the kernel would refuse.
import fc from 'fast-check';
import type { Elements } from '../ip-sets.ts';
import { parseSaved } from '../restore-text.ts';
import { addressKey, type IpvsTable, markKey, schedulers, type Virtual } from '../table.ts';

const port = fc.constantFrom(80, 443, 8080);
const destination = fc.constantFrom('10.244.0.2:8080', '10.244.0.3:8080', '10.244.1.2:53');
const destinationV6 = fc.constantFrom('[fd00:244::2]:8080', '[fd00:244::3]:53');

function virtual(of: fc.Arbitrary<string>): fc.Arbitrary<Virtual> {
  return fc.record({
    scheduler: fc.constantFrom(...schedulers),
    persistentSeconds: fc.constantFrom(0, 60, 10_800),
    others: fc.constant(''),
    destinations: fc
      .uniqueArray(fc.tuple(of, fc.integer({ min: 0, max: 1000 })), { selector: ([name]) => name })
      .map((found) => new Map(found)),
  });
}

const protocol = fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const);
const entry: fc.Arbitrary<[string, Virtual]> = fc.oneof(
  fc.tuple(
    fc.tuple(protocol, fc.constantFrom('10.96.0.1', '10.96.0.2'), port).map((words) => addressKey(...words)),
    virtual(destination),
  ),
  fc.tuple(
    fc.tuple(protocol, fc.constantFrom('fd00::1', 'fd00::2'), port).map((words) => addressKey(...words)),
    virtual(destinationV6),
  ),
  fc.tuple(
    fc.integer({ min: 1, max: 5 }).map((mark) => markKey(mark, 'IPv4')),
    virtual(destination),
  ),
  fc.tuple(
    fc.integer({ min: 6, max: 9 }).map((mark) => markKey(mark, 'IPv6')),
    virtual(destinationV6),
  ),
);

export const tables: fc.Arbitrary<IpvsTable> = fc
  .uniqueArray(entry, { selector: ([key]) => key, maxLength: 8 })
  .map((found) => new Map(found));

/** As `ipvsadm -S -n` prints it. */
export function saved(table: IpvsTable): string {
  return [...table]
    .flatMap(([key, { scheduler, persistentSeconds, destinations }]) => [
      `-A ${key} -s ${scheduler}${persistentSeconds === 0 ? '' : ` -p ${persistentSeconds}`}`,
      ...[...destinations].map(([name, weight]) => `-a ${key} -r ${name} -m -w ${weight}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

/** The table after these lines of `ipvsadm -R`; throws where the kernel would refuse one. */
export function withLines(table: IpvsTable, lines: readonly string[]): Map<string, Virtual> {
  const result = new Map([...table].map(([key, one]) => [key, { ...one, destinations: new Map(one.destinations) }]));
  for (const line of lines) {
    const verb = line.slice(0, 2);
    const key = /^-\S (-f \d+(?: -6)?|\S+ \S+)/.exec(line)?.[1] ?? '';
    const there = result.get(key);
    if ((verb === '-A') !== (there === undefined)) throw new Error(`Refused: ${line}`);
    if (verb === '-D') result.delete(key);
    else if (verb === '-A' || verb === '-E') {
      const read = parseSaved(`-A${line.slice(2)}`).get(key);
      if (read === undefined) throw new Error(`Not understood: ${line}`);
      result.set(key, { ...read, destinations: there?.destinations ?? new Map() });
    } else {
      const name = / -r (\S+)/.exec(line)?.[1] ?? '';
      if ((verb === '-a') === there?.destinations.has(name)) throw new Error(`Refused: ${line}`);
      if (verb === '-d') there?.destinations.delete(name);
      else there?.destinations.set(name, Number(/ -w (\d+)/.exec(line)?.[1]));
    }
  }
  return result;
}

export const elements: fc.Arbitrary<Elements> = fc
  .uniqueArray(
    fc.tuple(
      fc.tuple(fc.constantFrom('k-mark-pod-4', 'k-served-4'), fc.constantFrom('10.0.0.1,tcp:80', '10.0.0.2,udp:53')),
      fc.integer({ min: 1, max: 3 }),
    ),
    { selector: ([words]) => words.join(' ') },
  )
  .map(
    (found) =>
      new Map(found.map(([[set, one], mark]) => [`${set} ${one}`, set.includes('mark') ? `skbmark 0x${mark}` : ''])),
  );

/** The elements after these lines of `ipset restore -exist`. */
export function withElements(have: Elements, lines: readonly string[]): Map<string, string> {
  const result = new Map(have);
  for (const line of lines) {
    const [verb, set = '', element = '', ...words] = line.split(' ');
    if (verb === 'del') result.delete(`${set} ${element}`);
    else result.set(`${set} ${element}`, words.join(' '));
  }
  return result;
}
