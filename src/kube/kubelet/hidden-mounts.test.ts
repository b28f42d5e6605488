// What of the cluster's own directory a volume would show.
import { expect, test } from 'vitest';
import { hiddenInVolumes } from './hidden-mounts.ts';
import type { Mount } from './runtime.ts';

const HIDDEN = ['/root/.evenkeel/nodes/n1/data', '/root/.evenkeel'];
const at = (source: string, mountPath: string, rest: Partial<Mount> = {}): Mount => ({
  volume: 'v',
  source,
  mountPath,
  readOnly: false,
  ...rest,
});

test.each<[what: string, mounts: Mount[], paths: string[]]>([
  ['the whole machine', [at('/', '/host')], ['/host/root/.evenkeel']],
  ['a directory above', [at('/root', '/home')], ['/home/.evenkeel']],
  ['the directory itself', [at('/root/.evenkeel', '/data')], ['/data']],
  ['something of a pod in it', [at('/root/.evenkeel/nodes/n1/data/pods/x/volumes/v', '/data')], []],
  ['a neighbour with a longer name', [at('/root/.evenkeel-2', '/data')], []],
  ['what is shared with the node', [at('/', '/host', { propagation: 'Bidirectional' })], []],
  ['another volume in its place', [at('/root', '/home'), at('/x', '/home/.evenkeel/x')], []],
])('%s', (_, mounts, paths) => {
  expect(hiddenInVolumes(mounts, HIDDEN)).toEqual(paths);
});
