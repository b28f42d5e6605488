// One run at a time, and one more for whatever came meanwhile.
import { expect, test } from 'vitest';
import { rerun } from './rerun.ts';

test('requests during a run make one more run, never two at a time', async () => {
  const ends: (() => void)[] = [];
  let [active, most] = [0, 0];
  const ask = rerun(
    async () => {
      most = Math.max(most, ++active);
      await new Promise<void>((resolve) => ends.push(resolve));
      active--;
    },
    () => {},
  );
  for (let i = 0; i < 5; i++) ask();
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.();
  await expect.poll(() => active).toBe(0);
  expect([ends.length, most]).toEqual([2, 1]);
});

test('a run that fails is told of, and the next request runs again', async () => {
  const errors: unknown[] = [];
  let runs = 0;
  const ask = rerun(
    () => (++runs === 1 ? Promise.reject(new Error('broken')) : Promise.resolve()),
    (error) => errors.push(error),
  );
  ask();
  await expect.poll(() => errors.map(String)).toEqual(['Error: broken']);
  ask();
  await expect.poll(() => runs).toBe(2);
  expect(errors).toHaveLength(1);
});
