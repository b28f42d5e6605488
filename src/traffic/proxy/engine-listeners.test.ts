// Listeners that come, go and change their names while an engine runs.
import { afterEach, expect, it } from 'vitest';
import { Harness, portOf } from './testing/harness.ts';
import { listener, simpleModel, update } from './testing/model.ts';
import { httpBackend, RawClient } from './testing/peers.ts';

const harness = new Harness();
afterEach(() => harness.close());

it('a listener under a new name keeps the port, though several workers share it', async () => {
  const web = await harness.backend(httpBackend((_request, response) => response.end('hello')));
  const proxy = await harness.engine({ workers: 2 });
  proxy.publish(simpleModel([web.port]));
  await proxy.ready();
  const port = portOf(proxy);
  const failures: string[] = [];
  proxy.onListenError((name, error) => failures.push(`${name}: ${error.message}`));
  proxy.publish(
    update({
      listeners: new Map([
        ['http', undefined],
        ['renamed', listener('renamed', 'http', port)],
      ]),
    }),
  );
  await proxy.applied();
  expect(failures).toEqual([]);
  expect(portOf(proxy, 'renamed')).toBe(port);
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('hello');
});

it('connections of a listener that is gone end: idle ones at once, others with their answer', async () => {
  const release = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const web = await harness.backend(
    httpBackend((request, response) => {
      if (request.url !== '/hold') return void response.end('hello');
      asked.resolve();
      void release.promise.then(() => response.end('held'));
    }),
  );
  const proxy = await harness.engine({ workers: 1 });
  proxy.publish(simpleModel([web.port]));
  await proxy.ready();
  const idle = new RawClient(portOf(proxy)).send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await idle.until((received) => received.endsWith('hello'));
  const busy = new RawClient(portOf(proxy)).send('GET /hold HTTP/1.1\r\nHost: a\r\n\r\n');
  await asked.promise;
  proxy.publish(update({ listeners: new Map([['http', undefined]]) }));
  await proxy.applied();
  await idle.untilClosed();
  release.resolve();
  const answer = await busy.untilClosed();
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*connection: close\r\n.*held$/is);
});
