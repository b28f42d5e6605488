// Which interfaces lead to a network around the node.
import { expect, test } from 'vitest';
import { chooseLinks } from './interfaces.ts';

const link = (name: string) => ({
  ...{ index: 1, name, ethernet: true, up: true, loopback: false, noArp: false, master: undefined },
  hardware: new Uint8Array(6),
});

test('bridges of pods are not chosen, unless they are asked for', () => {
  const links = ['eth0', 'br0', 'ekbr-0a1b2c', 'cni0', 'docker0'].map(link);
  expect(chooseLinks(links, []).map(({ name }) => name)).toEqual(['eth0', 'br0']);
  expect(chooseLinks(links, ['ekbr-0a1b2c']).map(({ name }) => name)).toEqual(['ekbr-0a1b2c']);
});
