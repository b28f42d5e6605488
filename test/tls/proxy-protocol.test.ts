// The PROXY protocol as others speak it: curl and HAProxy in front of the gateway, nginx behind it.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { Gateways } from '#test/support/gateway.ts';
import { run } from '#test/support/run.ts';
import { freePort, hasTool } from '#test/support/tools.ts';

const gateways = new Gateways();
const closing: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await gateways.close();
});

/** Runs a server until the test is over. */
function serve(program: string, args: readonly string[]): void {
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  closing.push(async () => {
    child.kill('SIGTERM');
    await ended;
  });
}

const port = (url: string): string => /:(\d+)$/.exec(url)?.[1] ?? '';

async function gatewayTo(endpoint: string, cluster = '', protocol = 'http'): ReturnType<Gateways['start']> {
  const [leads, speaks] = protocol === 'tcp' ? [', clusters: [app]', ', upstreamProtocol: tcp'] : ['', ''];
  const hosts =
    protocol === 'tcp' ? '' : "virtualHosts: { all: { hostname: '*', routes: [{ path: /, action: app }] } }";
  return gateways.start(`listeners:
  web: { address: 127.0.0.1, port: 0, protocol: ${protocol}, proxyProtocolFrom: [127.0.0.0/8]${leads} }
${hosts}
clusters: { app: { endpoints: ['${endpoint}'] ${cluster}${speaks} } }
`);
}

it.runIf(hasTool('curl', 'the PROXY protocol of curl'))('curl says whom it speaks for', async () => {
  const app = await gateways.backend((request, response) => response.end(request.headers['x-forwarded-for']));
  const gateway = await gatewayTo(app);
  const said = await run('curl', ['-sS', '--max-time', '20', '--haproxy-protocol', `${gateway.url('web')}/`]);
  expect([said.code, said.stdout]).toEqual([0, '127.0.0.1']);
  // Without the header it is nobody.
  expect((await run('curl', ['-sS', '--max-time', '20', `${gateway.url('web')}/`])).code).not.toBe(0);
});

for (const version of ['v1', 'v2'] as const) {
  it.runIf(hasTool('haproxy', 'the PROXY protocol of HAProxy'))(
    `HAProxy tells of its clients, ${version}`,
    async () => {
      const app = await gateways.backend((request, response) => response.end(request.headers['x-forwarded-for']));
      const gateway = await gatewayTo(app);
      const front = await freePort();
      const file = join(gateways.dir, 'haproxy.cfg');
      writeFileSync(
        file,
        `defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen front
  bind 127.0.0.1:${front}
  server gateway 127.0.0.1:${port(gateway.url('web'))} ${version === 'v1' ? 'send-proxy' : 'send-proxy-v2 proxy-v2-options crc32c,unique-id'}
`,
      );
      serve('haproxy', ['-db', '-f', file]);
      await eventually('HAProxy answers', async () => {
        // From another address of this machine, which only the header can tell the gateway.
        const args = ['-sS', '--max-time', '20', '--interface', '127.0.0.9', `http://127.0.0.1:${front}/`];
        const said = await run('curl', args);
        if (said.code !== 0) throw new Error(said.stderr);
        expect(said.stdout).toBe('127.0.0.9');
      });
    },
  );

  it.runIf(hasTool('nginx', 'the PROXY protocol of nginx'))(
    `nginx is told of clients, over HTTP and TCP, ${version}`,
    async () => {
      const back = await freePort();
      const dir = join(gateways.dir, 'nginx');
      mkdirSync(dir, { recursive: true });
      const file = join(dir, 'nginx.conf');
      const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${dir};`);
      writeFileSync(
        file,
        `daemon off; pid ${dir}/pid; error_log ${dir}/error.log;
events {}
http { access_log off; ${places.join(' ')}
  server { listen 127.0.0.1:${back} proxy_protocol; return 200 $proxy_protocol_addr; } }
`,
      );
      serve('nginx', ['-p', dir, '-c', file]);
      for (const protocol of ['http', 'tcp']) {
        const gateway = await gatewayTo(`127.0.0.1:${back}`, `, proxyProtocol: ${version}`, protocol);
        await eventually('nginx answers through the gateway', async () => {
          const place = `http://127.0.0.1:${port(gateway.url('web'))}/`;
          const said = await run('curl', [
            '-sS',
            '--max-time',
            '20',
            '--haproxy-protocol',
            '--interface',
            '127.0.0.9',
            place,
          ]);
          if (said.code !== 0) throw new Error(said.stderr);
          expect(said.stdout).toBe('127.0.0.9');
        });
      }
    },
  );
}
