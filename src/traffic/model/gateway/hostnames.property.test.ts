// Hostnames of listeners and routes against their meaning, spelled out: which hosts each stands for.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { belongsElsewhere, commonHosts, coversHost } from './hostnames.ts';

const label = fc.constantFrom('a', 'b', 'c');
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const pattern = fc.oneof(
  host,
  host.map((name) => `*.${name}`),
  fc.constant('*'),
);

/** Whether a pattern stands for a host, label by label. */
function standsFor(text: string, name: string): boolean {
  if (text === '*') return true;
  if (!text.startsWith('*.')) return text === name;
  const suffix = text.slice(2).split('.');
  const labels = name.split('.');
  return labels.length > suffix.length && labels.slice(-suffix.length).join('.') === suffix.join('.');
}

it('one pattern covers another exactly when it stands for all of its hosts', () => {
  fc.assert(
    fc.property(pattern, pattern, host, (one, other, name) => {
      if (coversHost(one, other) && standsFor(other, name)) expect(standsFor(one, name)).toBe(true);
      expect(coversHost(one, name)).toBe(standsFor(one, name));
    }),
  );
});

it('what a listener and a route have in common stands for the hosts that both stand for', () => {
  fc.assert(
    fc.property(pattern, fc.array(pattern, { minLength: 1, maxLength: 3 }), host, (listener, route, name) => {
      const common = commonHosts(listener === '*' ? undefined : listener, route);
      const both = standsFor(listener, name) && route.some((one) => standsFor(one, name));
      expect(common.some((one) => standsFor(one, name))).toBe(both);
    }),
  );
});

it('a hostname is served elsewhere only when a more specific listener stands for all of it', () => {
  expect(belongsElsewhere('www.a', '*', new Set(['*', '*.a']))).toBe(true);
  expect(belongsElsewhere('*.a', '*', new Set(['*', 'www.a']))).toBe(false);
  expect(belongsElsewhere('*.a', '*.a', new Set(['*', '*.a']))).toBe(false);
});

it('whether a hostname is served elsewhere is what going through all the others says', () => {
  fc.assert(
    fc.property(pattern, pattern, fc.array(pattern, { maxLength: 4 }), (name, listener, others) => {
      const found = others.some(
        (other) => other !== listener && coversHost(listener, other) && coversHost(other, name),
      );
      if (coversHost(listener, name)) expect(belongsElsewhere(name, listener, new Set(others))).toBe(found);
    }),
  );
});
