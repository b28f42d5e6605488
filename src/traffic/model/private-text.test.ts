// A key must not show, whichever way it is printed, and must still travel to the worker that needs it.
// Knows the ways of printing that this project uses.
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { privateText } from './private-text.ts';

describe('private text', () => {
  const text = privateText('secret');

  it.each([
    ['JSON', (value: unknown) => JSON.stringify({ value })],
    ['string conversion', (value: unknown) => `${value}`],
    ['console.log', (value: unknown) => inspect({ value })],
    ['YAML', (value: unknown) => stringify({ value })],
  ])('shows as [redacted] in %s', (_way, print) => {
    expect(print(text)).toContain('[redacted]');
    expect(print(text)).not.toContain('secret');
  });

  it('keeps its value through structured clone', () => {
    expect(structuredClone(text)).toEqual({ value: 'secret', private: true });
  });
});
