// More watches than there may be, over HTTP: who is told to wait, and that an ended watch makes room.
// Knows the server by its URL only.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { startTestApi, type TestApi } from '../testing/api.ts';

const WATCH = '/api/v1/namespaces/default/configmaps?watch=true';

let api: TestApi;
beforeAll(async () => {
  const user = (name: string) => [name, { name, groups: [] }] as const;
  api = await startTestApi({
    maxWatches: 4,
    tokens: new Map(['greedy', 'modest'].map(user)),
    authorization: 'AlwaysAllow',
  });
});
afterAll(() => api.close());

test('one user gets half of all watches, all together all, and an ended one makes room', async () => {
  const greedy = [await api.watch(WATCH, { token: 'greedy' }), await api.watch(WATCH, { token: 'greedy' })];
  const refused = await api.call('GET', WATCH, { token: 'greedy' });
  expect(refused).toMatchObject({
    code: 429,
    headers: { 'retry-after': '5' },
    body: {
      reason: 'TooManyRequests',
      message: expect.stringMatching(
        /^too many watches: "greedy" has all 2 watches that one user may have \(--max-watches\)/,
      ),
    },
  });
  const others = [await api.watch(WATCH, { token: 'modest' }), await api.watch(WATCH)];
  const full = await api.call('GET', WATCH);
  expect(full).toMatchObject({
    code: 429,
    body: { message: expect.stringContaining('this server has all 4 watches') },
  });
  greedy[0]?.close();
  await eventually('there is room for another', async () => {
    const { code } = await api.call('GET', `${WATCH}&timeoutSeconds=1`, { token: 'greedy' });
    expect(code).toBe(200);
  });
  for (const watch of [...greedy.slice(1), ...others]) watch.close();
});
