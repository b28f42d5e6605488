// What a Service may write for its drain time-out.
import { expect, it } from 'vitest';
import { drainOf } from './drain.ts';

const asked = (text?: string): ReturnType<typeof drainOf> =>
  drainOf({
    metadata: {
      namespace: 'shop',
      name: 'web',
      ...(text === undefined ? {} : { annotations: { 'evenkeel.dev/drain-timeout': text } }),
    },
  });

it('takes durations, and off', () => {
  expect(['30s', '1m30s', '500ms', '15', '24h', 'off', undefined].map((text) => asked(text).ms)).toEqual([
    30_000,
    90_000,
    500,
    15_000,
    86_400_000,
    0,
    undefined,
  ]);
  expect(asked('30s').problems).toEqual([]);
});

it.each(['soon', '', '-5s', '0s', '25h', '30 s'])('tells of "%s", and ignores it', (text) => {
  const { ms, problems } = asked(text);
  expect(ms).toBeUndefined();
  expect(problems).toMatchObject([
    {
      kind: 'Service',
      key: 'shop/web',
      reason: 'InvalidSetting',
      field: 'metadata.annotations[evenkeel.dev/drain-timeout]',
      message: expect.stringContaining(`Drain time-out "${text}" is no duration up to 24h`),
    },
  ]);
});
