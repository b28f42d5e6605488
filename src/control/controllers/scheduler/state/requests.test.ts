// What a pod asks for, over its phases.
// Pure.
import { expect, test } from 'vitest';
import { aPod } from '../testing.ts';
import { podRequests } from './requests.ts';

test('is the larger of the running sum and the peak of the init phase, plus overhead', () => {
  const asks = (requests: Record<string, string>, more: object = {}) => ({
    name: 'c',
    resources: { requests },
    ...more,
  });
  const spec = {
    containers: [asks({ cpu: '100m', memory: '10Mi' }), asks({ cpu: '200m' })],
    initContainers: [
      asks({ cpu: '50m', memory: '5Mi' }, { restartPolicy: 'Always' }),
      asks({ cpu: '1' }),
      asks({ cpu: '10m', memory: '1Gi' }),
    ],
    overhead: { cpu: '5m' },
  };
  expect(podRequests(aPod('p', {}, spec))).toEqual({ cpu: 1055, memory: 1024 ** 3 + 5 * 1024 ** 2 });
});
