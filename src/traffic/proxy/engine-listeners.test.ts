// Listeners that come, go and change their names while an engine runs.
import { afterEach, expect, it } from 'vitest';
import { Harness, portOf } from './testing/harness.ts';
import { listener, simpleModel, update } from './testing/model.ts';
import { httpBackend } from './testing/peers.ts';

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
