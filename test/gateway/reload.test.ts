// A configuration that changes while requests run: what is right is taken in, what is wrong changes nothing, nobody notices.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { Gateways } from '#test/support/gateway.ts';
import { createAuthority } from '#traffic/identity/authority.ts';

const gateways = new Gateways();
afterEach(() => gateways.close());

const named = (name: string) => gateways.backend((_request, response) => response.end(name));

function configOf(endpoints: readonly string[], more = ''): string {
  return `listeners:
  web: { address: 127.0.0.1, port: 0 }
virtualHosts:
  all: { hostname: '*', routes: [{ path: /, action: app }] }
clusters:
  app: { policy: round_robin, endpoints: [${endpoints.map((one) => `'${one}'`).join(', ')}] }
${more}`;
}

async function answer(url: string): Promise<string> {
  return (await fetch(url)).text();
}

/** Requests one after another on a few connections until `action` is over; everything that was not a 200. */
async function failuresDuring(url: string, action: () => Promise<void>): Promise<{ sent: number; failures: string[] }> {
  let going = true;
  let sent = 0;
  const failures: string[] = [];
  const client = async (): Promise<void> => {
    while (going) {
      sent++;
      try {
        const response = await fetch(url);
        await response.text();
        if (response.status !== 200) failures.push(`${response.status}`);
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  const clients = Array.from({ length: 4 }, client);
  await action();
  going = false;
  await Promise.all(clients);
  return { sent, failures };
}

test('a saved change is in force, and no request fails while it comes', async () => {
  const [blue, green] = [await named('blue'), await named('green')];
  const gateway = await gateways.start(configOf([blue]));
  const url = gateway.url('web');
  const { sent, failures } = await failuresDuring(url, async () => {
    for (let round = 0; round < 10; round++) {
      const [endpoint, name] = round % 2 === 0 ? [green, 'green'] : [blue, 'blue'];
      // By renaming and in place by turns.
      if (round % 3 === 0) writeFileSync(gateway.file, configOf([endpoint]));
      else gateway.write(configOf([endpoint]));
      await eventually(`${name} answers`, async () => expect(await answer(url)).toBe(name));
    }
  });
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(20);
});

test('a wrong change is told with its line, and what was in force stays', async () => {
  const blue = await named('blue');
  const gateway = await gateways.start(configOf([blue]));
  gateway.write(configOf([blue]).replace('action: app', 'action: ap'));
  await gateway.said(`${gateway.file}:4:45: Cluster "ap" does not exist. Did you mean "app"?`);
  await gateway.said('stays in force');
  expect(await answer(gateway.url('web'))).toBe('blue');
  const metrics = () => answer(`${gateway.url('admin')}/metrics`);
  expect(await metrics()).toContain('evenkeel_config_last_reload_successful 0\n');
  gateway.write(configOf([blue], '  other: { endpoints: [] }\n'));
  await gateway.said('1 cluster, 1 list of endpoints changed');
  expect(await metrics()).toContain('evenkeel_config_last_reload_successful 1\n');
});

test('a listener comes and goes, and a port that is taken is refused before anything changes', async () => {
  const blue = await named('blue');
  const gateway = await gateways.start(configOf([blue]));
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const second = `listeners:\n  second: { address: 127.0.0.1, port: ${port} }\n`;
  const withSecond = configOf([blue]).replace('listeners:\n', second);
  try {
    gateway.write(withSecond);
    await gateway.said(
      `Port ${port} on 127.0.0.1 is taken by another process. Free it, or change "listeners.second.port"`,
    );
    expect(await answer(gateway.url('web'))).toBe('blue');
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
  gateway.child.kill('SIGHUP');
  await eventually('the second listener serves', async () =>
    expect(await answer(`http://127.0.0.1:${port}`)).toBe('blue'),
  );
  gateway.write(configOf([blue]));
  await eventually('the second listener is gone', () => expect(answer(`http://127.0.0.1:${port}`)).rejects.toThrow());
  expect(await answer(gateway.url('web'))).toBe('blue');
});

test('a ConfigMap is followed through its symbolic links', async () => {
  const [blue, green] = [await named('blue'), await named('green')];
  const mount = join(gateways.dir, 'mount');
  const version = (name: string, text: string): void => {
    mkdirSync(join(mount, name), { recursive: true });
    writeFileSync(join(mount, name, 'gateway.yaml'), text);
  };
  version('..1', configOf([blue]));
  symlinkSync('..1', join(mount, '..data'));
  symlinkSync('..data/gateway.yaml', join(mount, 'gateway.yaml'));
  const gateway = await gateways.start('', [], join(mount, 'gateway.yaml'));
  expect(await answer(gateway.url('web'))).toBe('blue');
  version('..2', configOf([green]));
  symlinkSync('..2', join(mount, '..data_tmp'));
  renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  await eventually('the new version is in force', async () => expect(await answer(gateway.url('web'))).toBe('green'));
});

test('a renewed certificate is shown to the next client', async () => {
  const authority = await createAuthority({ commonName: 'test' });
  const pair = async (serial: string): Promise<void> => {
    const { certPem, keyPem } = await authority.issue({ commonName: serial, dnsNames: ['shop.test'] });
    writeFileSync(join(gateways.dir, 'shop.key'), keyPem);
    writeFileSync(join(gateways.dir, 'shop.crt'), certPem);
  };
  await pair('first');
  const text = configOf(
    [await named('blue')],
    'certificates:\n  shop: { certificateFile: shop.crt, keyFile: shop.key }\n',
  );
  const gateway = await gateways.start(text.replace('port: 0 }', 'port: 0, protocol: https }'));
  const shown = (): Promise<string> => {
    const { port, hostname } = new URL(gateway.url('web'));
    return new Promise((resolve, reject) => {
      const socket = connect(
        { host: hostname, port: Number(port), servername: 'shop.test', ca: authority.certPem },
        () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        },
      );
      socket.on('error', reject);
    });
  };
  expect(await shown()).toBe('first');
  await pair('second');
  await eventually('the new certificate is shown', async () => expect(await shown()).toBe('second'));
  expect(await answer(`${gateway.url('admin')}/config_dump`)).not.toContain('PRIVATE KEY');
});

test('without a watch the file is read again on SIGHUP', async () => {
  const [blue, green] = [await named('blue'), await named('green')];
  const gateway = await gateways.start(configOf([blue]), ['--no-watch']);
  gateway.write(configOf([green]));
  gateway.child.kill('SIGHUP');
  await gateway.said('1 list of endpoints changed');
  expect(await answer(gateway.url('web'))).toBe('green');
});
