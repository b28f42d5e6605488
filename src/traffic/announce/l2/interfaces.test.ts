// Which interfaces lead to a network around the node.
import { expect, test } from 'vitest';
import { chooseLinks, linkObstacle } from './interfaces.ts';

const link = (name: string) => ({
  ...{ index: 1, name, ethernet: true, up: true, loopback: false, noArp: false, master: undefined },
  hardware: new Uint8Array(6),
});

test('bridges of pods are not chosen, unless they are asked for', () => {
  const links = ['eth0', 'br0', 'ekbr-0a1b2c', 'cni0', 'docker0'].map(link);
  expect(chooseLinks(links, []).map(({ name }) => name)).toEqual(['eth0', 'br0']);
  expect(chooseLinks(links, ['ekbr-0a1b2c']).map(({ name }) => name)).toEqual(['ekbr-0a1b2c']);
});

test.each([
  ['eth0', undefined],
  ['eth9', 'there is none of this name'],
  ['down0', 'it is down'],
  ['lo', 'it is the loopback device'],
  ['wg0', 'it resolves no addresses'],
])('of %s that is asked for it is said: %s', (name, why) => {
  const links = [
    link('eth0'),
    { ...link('down0'), up: false },
    { ...link('lo'), loopback: true },
    { ...link('wg0'), ethernet: false },
  ];
  expect(linkObstacle(links, name)).toBe(why);
});
