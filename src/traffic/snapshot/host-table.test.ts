// Host precedence and the forms in which clients send a host.
// Knows nothing of paths.
import { describe, expect, it } from 'vitest';
import { HostTable } from './host-table.ts';

function tableOf(...patterns: (string | [string, 'any-labels'])[]): HostTable<string> {
  return HostTable.of(
    patterns.map((pattern) => {
      const [hostname, wildcard] = typeof pattern === 'string' ? [pattern, 'one-label' as const] : pattern;
      return [{ hostname, wildcard }, hostname] as const;
    }),
  );
}

describe('host table', () => {
  const table = tableOf(
    '*',
    'shop.local',
    '*.shop.local',
    ['*.example', 'any-labels'],
    ['*.deep.example', 'any-labels'],
  );

  it.each([
    ['shop.local', 'shop.local'],
    ['SHOP.Local', 'shop.local'],
    ['shop.local:8080', 'shop.local'],
    ['shop.local.', 'shop.local'],
    ['shop.local.:8080', 'shop.local'],
    ['api.shop.local', '*.shop.local'],
    ['v1.api.shop.local', '*'],
    ['.shop.local', '*'],
    ['example', '*'],
    ['a.example', '*.example'],
    ['a.b.c.example', '*.example'],
    ['a.deep.example', '*.deep.example'],
    ['a.b.deep.example', '*.deep.example'],
    ['deep.example', '*.example'],
    ['other.local', '*'],
    ['', '*'],
    ['[::1]:8080', '*'],
  ])('sends %j to %s', (host, expected) => {
    expect(table.find(host)).toBe(expected);
    expect(table.find(host)).toBe(expected);
  });

  it('finds an IPv6 literal with and without port', () => {
    const literal = tableOf('[fd00::1]');
    expect([literal.find('[FD00::1]:8443'), literal.find('[fd00::1]')]).toEqual(['[fd00::1]', '[fd00::1]']);
  });

  it('prefers the one-label wildcard where both kinds end alike', () => {
    const both = HostTable.of([
      [{ hostname: '*.local', wildcard: 'any-labels' }, 'any'],
      [{ hostname: '*.local', wildcard: 'one-label' }, 'one'],
    ]);
    expect([both.find('a.local'), both.find('a.b.local')]).toEqual(['one', 'any']);
  });

  it('finds nothing without a default', () => {
    expect(tableOf('shop.local').find('other.local')).toBeUndefined();
  });

  it('keeps answering right under a flood of invented names', () => {
    for (let name = 0; name < 5000; name++) expect(table.find(`n${name}.shop.local`)).toBe('*.shop.local');
    expect(table.find('shop.local')).toBe('shop.local');
  });
});
