// What iptables-restore is told of changes: nothing that did not change, and not too many chains at once.
import { describe, expect, it } from 'vitest';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import { portText } from './port-chains.ts';
import { parseSaved, restoreTexts, type TableChange, withdrawal } from './table-state.ts';
import { WantedTable } from './wanted-table.ts';

const MOST = 40;
const port = (at: number, ...pods: number[]) =>
  l4Port({
    service: `shop/service-${at}`,
    clusterIP: `10.96.${at >> 8}.${at & 255}`,
    endpoints: pods.map((pod) => l4Endpoint(`10.128.${pod >> 8}.${pod & 255}`)),
  });

/** A table with the ports of a book, changed as the driver does. */
function table() {
  const book = new RuleBook(nodeFacts({}));
  const wanted = new WantedTable('nat', 'EVK');
  const texts = new Map<string, ReturnType<typeof portText>>();
  const change = (...ports: ReturnType<typeof port>[]): TableChange => {
    for (const [name, rules] of book.change(new Map(ports.map((one) => [one.name, one])))?.ports ?? []) {
      const text =
        rules === undefined ? undefined : portText(rules, { prefix: 'EVK', podRanges: [], masqueradeAll: false });
      wanted.change(texts.get(name), text);
      if (text !== undefined) texts.set(name, text);
    }
    const untold = wanted.untold();
    wanted.told();
    return untold;
  };
  return { wanted, change };
}

const many = (count: number) => Array.from({ length: count }, (_, at) => port(at, 2 * at, 2 * at + 1));
/** The kernel after some texts, as iptables-save would print it. */
function loaded(texts: readonly string[]): string {
  const chains = new Map<string, string[]>();
  const rulesOf = (chain: string): string[] => {
    const rules = chains.get(chain);
    if (rules === undefined) throw new Error(`There is no chain ${chain}`);
    return rules;
  };
  for (const line of texts.join('').split('\n')) {
    const [, word, chain = '', rule = ''] = /^(:|-\w )(\S+) ?(.*)$/.exec(line) ?? [];
    const target = /-j (EVK-\S+)/.exec(rule)?.[1];
    if (word === ':') chains.set(chain, []);
    else if (word === '-F ') rulesOf(chain).length = 0;
    else if (word === '-X ') {
      if ([...chains.values()].some((rules) => rules.some((one) => one.endsWith(chain)))) throw new Error('Still used');
      chains.delete(chain);
    } else if (word === '-D ') rulesOf(chain).splice(rulesOf(chain).indexOf(rule), 1);
    else if (word === '-A ') {
      if (target !== undefined && !chains.has(target) && !/MARK|OUTSIDERS|REFUSE/.test(target))
        throw new Error(`There is no chain ${target}`);
      rulesOf(chain).push(rule);
    }
  }
  const all = [...chains];
  return [
    ...all.map(([name]) => `:${name} - [0:0]`),
    ...all.flatMap(([name, rules]) => rules.map((one) => `-A ${name} ${one}`)),
  ].join('\n');
}

describe('what iptables-restore is told', () => {
  it('makes chains before anything leads to them, some at a time, and all ways in one text', () => {
    const { wanted, change } = table();
    const texts = restoreTexts('nat', change(...many(50)), MOST);
    expect(texts.length).toBeGreaterThan(4);
    for (const text of texts) expect(text.match(/^:/gm)?.length ?? 0).toBeLessThanOrEqual(MOST);
    expect(texts.filter((text) => text.includes('-A EVK-ADDRESSES'))).toHaveLength(1);
    expect(wanted.differences(parseSaved(loaded(texts), 'EVK'), [])).toEqual({ lacks: 0, strange: 0 });
  });

  it('takes chains away after nothing leads to them any more, some at a time', () => {
    const texts = restoreTexts('nat', table().change(...many(50)), MOST);
    const saved = parseSaved(loaded(texts), 'EVK');
    expect(loaded([...texts, ...restoreTexts('nat', withdrawal(saved), MOST)])).toBe('');
  });

  it('names of 50 Services the one that has changed', () => {
    const { change } = table();
    const before = restoreTexts('nat', change(...many(50)), MOST);
    const [text = '', ...more] = restoreTexts('nat', change(port(7, 14, 500)), MOST);
    expect(more).toEqual([]);
    // An endpoint comes and one goes, and the chain of chances leads to others.
    expect(text.match(/^:EVK-SEP/gm)).toHaveLength(1);
    expect(text.match(/^:EVK-SVC/gm)).toHaveLength(1);
    expect(text.match(/^-X EVK-SEP/gm)).toHaveLength(1);
    expect(text).not.toContain('EVK-ADDRESSES');
    expect(text.split('\n').length).toBeLessThan(12);
    expect(restoreTexts('nat', change(port(7, 14, 500)), MOST)).toEqual([]);
    expect(loaded([...before, text])).toContain('--to-destination 10.128.1.244:');
  });

  it('comes from what it finds to what it wants, with the ways in', () => {
    const { wanted, change } = table();
    change(...many(3));
    const found = [
      ':EVK-SERVICES - [0:0]',
      ':EVK-ADDRESSES - [0:0]',
      '-A PREROUTING -j EVK-SERVICES',
      '-A EVK-ADDRESSES -d 10.96.9.9/32 -j DROP',
    ];
    const text = restoreTexts(
      'nat',
      wanted.from(parseSaved(found.join('\n'), 'EVK'), ['PREROUTING EVK-ADDRESSES']),
      MOST,
    ).join('');
    expect(text).toContain('-I PREROUTING 1 -j EVK-ADDRESSES');
    expect(text).toContain('-D PREROUTING -j EVK-SERVICES');
    expect(text).toContain('-D EVK-ADDRESSES -d 10.96.9.9/32 -j DROP');
    expect(text).toContain('-X EVK-SERVICES');
    expect(text).not.toContain(':EVK-ADDRESSES');
  });
});
