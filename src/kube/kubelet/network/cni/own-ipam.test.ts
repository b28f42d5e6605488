// Which configurations are given a directory, and which stay as they are.
import { expect, test } from 'vitest';
import { parseNetworkList } from './network-list.ts';
import { withOwnIpamDir } from './own-ipam.ts';

test.each([
  ['without a directory', { type: 'host-local', ranges: [] }, { type: 'host-local', ranges: [], dataDir: '/own' }],
  ['with an empty one', { type: 'host-local', dataDir: '' }, { type: 'host-local', dataDir: '/own' }],
  ['with one of its own', { type: 'host-local', dataDir: '/run/x' }, { type: 'host-local', dataDir: '/run/x' }],
  ['of another type', { type: 'static' }, { type: 'static' }],
  ['that is none', 'host-local', 'host-local'],
])('address management %s', (_, ipam, given) => {
  const list = parseNetworkList(
    JSON.stringify({ name: 'n', plugins: [{ type: 'bridge', ipam }, { type: 'portmap' }] }),
  );
  expect(withOwnIpamDir(list, '/own').plugins).toEqual([{ type: 'bridge', ipam: given }, { type: 'portmap' }]);
});
