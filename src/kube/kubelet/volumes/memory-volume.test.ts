// Which mounts lie below a directory, by the kernel's own list.
import { expect, test } from 'vitest';
import { mountPointsBelow } from './memory-volume.ts';

const line = (point: string): string => `36 35 98:0 / ${point} rw,noatime - tmpfs tmpfs rw`;

test('mountPointsBelow() finds what is mounted below, the innermost first', () => {
  const text = ['/', '/data', '/data/pods', '/data/pods/a', '/data/pods-other', '/data/pods/a/b\\040c']
    .map(line)
    .join('\n');
  expect(mountPointsBelow('/data/pods', text)).toEqual(['/data/pods/a/b c', '/data/pods/a']);
});
