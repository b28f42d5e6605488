// Rules of what may become of mounts below a volume, in upstream's words.
import { expect, test } from 'vitest';
import type { KubeObject } from '../object.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { goodObjects } from './good-objects.ts';
import { validateObject } from './index.ts';

function wrong(mount: object, privileged = false): string[] {
  const volumeMounts = [{ name: 'v', mountPath: '/v', ...mount }];
  const containers = [{ name: 'web', image: 'web:1', volumeMounts, securityContext: { privileged } }];
  const change = { spec: { volumes: [{ name: 'v', emptyDir: {} }], containers } };
  const pod = mergePatch(goodObjects.Pod as never, change as never) as unknown as KubeObject;
  return validateObject(pod).map(({ field, message }) => `${field?.split('.').at(-1)}: ${message}`);
}

test.each<[object, string]>([
  [
    { mountPropagation: 'Bidirectional' },
    'mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers',
  ],
  [
    { mountPropagation: 'Both' },
    'mountPropagation: Unsupported value: "Both": supported values: "Bidirectional", "HostToContainer", "None"',
  ],
  [{ recursiveReadOnly: 'Enabled' }, 'recursiveReadOnly: Forbidden: may only be specified when readOnly is true'],
  [
    { recursiveReadOnly: 'IfPossible', readOnly: true, mountPropagation: 'HostToContainer' },
    'recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified',
  ],
  [
    { recursiveReadOnly: 'Yes' },
    'recursiveReadOnly: Unsupported value: "Yes": supported values: "Disabled", "Enabled", "IfPossible"',
  ],
])('%j is refused', (mount, message) => {
  expect(wrong(mount)).toEqual([message]);
});

test('what containers may ask for is let through', () => {
  expect(wrong({ mountPropagation: 'Bidirectional' }, true)).toEqual([]);
  expect(wrong({ mountPropagation: 'HostToContainer', readOnly: true, recursiveReadOnly: 'Disabled' })).toEqual([]);
  expect(wrong({ mountPropagation: 'None', readOnly: true, recursiveReadOnly: 'Enabled' })).toEqual([]);
});
