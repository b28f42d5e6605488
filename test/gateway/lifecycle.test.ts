// How the gateway starts and leaves: wrong files, taken ports, draining, and the hard ends.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { Gateways } from '#test/support/gateway.ts';
import { evenkeel } from '#test/support/run.ts';

const gateways = new Gateways();
afterEach(() => gateways.close());

const configOf = (endpoint: string, port = 0): string => `listeners:
  web: { address: 127.0.0.1, port: ${port} }
virtualHosts:
  all: { hostname: '*', routes: [{ path: /, action: app }] }
clusters:
  app: { endpoints: ['${endpoint}'] }
`;

test('the example runs as it is, apart from its ports', async () => {
  const checked = await evenkeel(['gateway', '--config', 'examples/gateway/gateway.yaml', '--check']);
  expect(checked).toMatchObject({ code: 0, stdout: 'examples/gateway/gateway.yaml is valid\n', stderr: '' });
});

test('a wrong file ends with 2 and all that is wrong with it, and --check with 1', async () => {
  const wrong = configOf('db.local:1').replace('port: 0', 'port: 99999').replace('action: app', 'action: ap');
  const gateway = await gateways.start(wrong);
  const { code, stderr } = await gateway.finished;
  expect(code).toBe(2);
  expect(stderr.split('\n').map((line) => line.replace(gateway.file, 'F').split(' ')[0])).toEqual([
    'F:2:30:',
    'F:4:45:',
    'F:6:22:',
    '',
  ]);
  const checked = await evenkeel(['gateway', '--config', gateway.file, '--check']);
  expect([checked.code, checked.stderr]).toEqual([1, stderr]);
});

test('a file that is not there is named', async () => {
  const { code, stderr } = await evenkeel(['gateway', '--config', '/nowhere/gateway.yaml', '--admin-port', '0']);
  expect(code).toBe(2);
  expect(stderr).toContain('Cannot read "/nowhere/gateway.yaml": ENOENT');
});

test('a port that is taken ends with 1 and the field that changes it', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  try {
    const gateway = await gateways.start(configOf('127.0.0.1:1', port));
    const { code, stderr } = await gateway.finished;
    expect(code).toBe(1);
    expect(stderr).toContain(
      `:2:30: Port ${port} on 127.0.0.1 is taken by another process. Free it, or change "listeners.web.port".`,
    );
    const taken = await evenkeel(['gateway', '--config', 'examples/gateway/gateway.yaml', '--admin-port', `${port}`]);
    expect([taken.code, taken.stderr]).toEqual([
      1,
      expect.stringContaining(`Port ${port} on 127.0.0.1 is taken\nFree it, or choose another one with --admin-port.`),
    ]);
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});

/** A backend that answers when told to. */
async function slow(): Promise<{ endpoint: string; started: Promise<void>; finish: () => void }> {
  const started = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const endpoint = await gateways.backend((request, response) => {
    if (request.url !== '/slow') return void response.end('fast');
    started.resolve();
    void finish.promise.then(() => response.end('slow'));
  });
  return { endpoint, started: started.promise, finish: () => finish.resolve() };
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s lets a slow request finish, takes no new one, and ends with 0',
  async (signal) => {
    const backend = await slow();
    const gateway = await gateways.start(configOf(backend.endpoint));
    const url = gateway.url('web');
    const under = fetch(`${url}/slow`).then((response) => response.text());
    await backend.started;
    gateway.child.kill(signal);
    await eventually('nothing new is taken', () => expect(fetch(`${url}/`)).rejects.toThrow());
    expect((await fetch(`${gateway.url('admin')}/readyz`)).status).toBe(503);
    backend.finish();
    expect(await under).toBe('slow');
    expect(await gateway.finished).toMatchObject({ code: 0, signal: null });
  },
);

test('with a delay it goes on serving, and only says that it is not ready', async () => {
  const backend = await slow();
  const gateway = await gateways.start(configOf(backend.endpoint), ['--drain-delay', '3s']);
  expect((await fetch(`${gateway.url('admin')}/readyz`)).status).toBe(200);
  gateway.child.kill('SIGTERM');
  await eventually('it is not ready', async () => {
    expect((await fetch(`${gateway.url('admin')}/readyz`)).status).toBe(503);
  });
  expect(await (await fetch(gateway.url('web'))).text()).toBe('fast');
  expect((await gateway.finished).code).toBe(0);
});

test('what does not finish in time is cut off', async () => {
  const backend = await slow();
  const gateway = await gateways.start(configOf(backend.endpoint), ['--drain-timeout', '300ms']);
  const under = fetch(`${gateway.url('web')}/slow`);
  under.catch(() => {});
  await backend.started;
  gateway.child.kill('SIGTERM');
  await expect(under).rejects.toThrow();
  expect((await gateway.finished).code).toBe(0);
});

test('a second signal ends it at once', async () => {
  const backend = await slow();
  const gateway = await gateways.start(configOf(backend.endpoint));
  const under = fetch(`${gateway.url('web')}/slow`);
  under.catch(() => {});
  await backend.started;
  gateway.child.kill('SIGTERM');
  await gateway.said('Draining');
  // Signals that follow each other closely are one: npm repeats a Ctrl-C.
  await eventually('it has ended', async () => {
    gateway.child.kill('SIGTERM');
    expect(gateway.child.exitCode).toBe(130);
  });
  await expect(under).rejects.toThrow();
});

test('kill -9 leaves nothing behind: the same port serves again', async () => {
  const backend = await slow();
  const first = await gateways.start(configOf(backend.endpoint), ['--workers', '2']);
  const port = Number(new URL(first.url('web')).port);
  first.child.kill('SIGKILL');
  await first.finished;
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  const second = await gateways.start(configOf(backend.endpoint, port), ['--workers', '2']);
  expect(await (await fetch(second.url('web'))).text()).toBe('fast');
});

test('the access log has a line of JSON a request', async () => {
  const backend = await slow();
  const gateway = await gateways.start(configOf(backend.endpoint), ['--access-log', `${gateways.dir}/access.jsonl`]);
  expect(await (await fetch(gateway.url('web'))).text()).toBe('fast');
  gateway.child.kill('SIGTERM');
  expect((await gateway.finished).code).toBe(0);
  const lines = readFileSync(`${gateways.dir}/access.jsonl`, 'utf8').trim().split('\n');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ status: 200, route: 'all/0', cluster: 'app' });
});
