// What clients feel when the machine of an endpoint dies without a word, before anybody has said so.
// The machine is a network namespace whose link goes down; the gateway and its clients are on this one.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { addNamespace, ip, privilegedObstacle, uniqueName } from '#lib/sys/testing.ts';
import { eventually } from '#test/support/eventually.ts';
import { Gateways } from '#test/support/gateway.ts';
import { ask } from '#test/support/http.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { underLoad } from '#test/support/load.ts';
import { ownNumber } from '#test/support/own-number.ts';

const gateways = new Gateways();
const cleanUps: (() => void)[] = [];
afterEach(async () => {
  await gateways.close();
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

const PORT = 8080;
/** Answers after 20 ms, so that some requests are under way at any time. */
const backendOf = (protocol: string, host: string, port: number): string =>
  `require('node:${protocol === 'http2' ? 'http2' : 'http'}')
     .createServer((request, response) => setTimeout(() => response.end(${JSON.stringify(host)}), 20))
     .listen(${port}, ${JSON.stringify(host)}, () => console.log('here'));`;

async function serving(child: ChildProcess): Promise<void> {
  cleanUps.push(() => child.kill('SIGKILL'));
  if (child.stdout === null) throw new Error('No output');
  await once(child.stdout, 'data');
}

/** A machine of its own, with a backend; returns its address, and how it dies. */
async function machine(protocol: string): Promise<{ address: string; die: () => void }> {
  const namespace = addNamespace('ekdead');
  cleanUps.push(() => ip(`netns del ${namespace}`));
  const link = uniqueName('ekd').slice(0, 15);
  const number = ownNumber();
  const address = `198.19.${number}.2`;
  ip(`link add ${link} type veth peer name eth0 netns ${namespace}`);
  // What the kernel still has to say to nobody would keep the namespace, and so the link, for minutes.
  cleanUps.push(() => ip(`link del ${link}`));
  ip(`address add 198.19.${number}.1/30 dev ${link}`);
  ip(`link set ${link} up`);
  ip(`-n ${namespace} address add ${address}/30 dev eth0`);
  ip(`-n ${namespace} link set eth0 up`);
  const words = ['netns', 'exec', namespace, process.execPath, '-e', backendOf(protocol, address, PORT)];
  await serving(spawn('ip', words, { stdio: ['ignore', 'pipe', 'inherit'] }));
  // The neighbour stays known, so that packets go out and nothing comes back, as on a network of switches.
  const mac = /link\/ether (\S+)/.exec(ip(`-n ${namespace} link show eth0`))?.[1];
  ip(`neighbour replace ${address} lladdr ${mac} dev ${link}`);
  return { address, die: () => void ip(`-n ${namespace} address del ${address}/30 dev eth0`) };
}

describe.runIf(kernelAllows(privilegedObstacle(), 'the death of a machine'))('the death of a machine', () => {
  describe.each(['http1', 'http2'])('an endpoint of %s whose machine dies', (protocol) => {
    test('fails no request that may be sent again, and costs those that are under way there a second or two', async () => {
      const { address, die } = await machine(protocol);
      const port = 18_000 + ownNumber();
      const local = spawn(process.execPath, ['-e', backendOf(protocol, '127.0.0.1', port)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await serving(local);
      const gateway = await gateways.start(`listeners:
  web: { address: 127.0.0.1, port: 0 }
virtualHosts:
  all: { hostname: '*', routes: [{ path: /, action: app }] }
clusters:
  app: { policy: round_robin, upstreamProtocol: ${protocol}, endpoints: ['${address}:${PORT}', '127.0.0.1:${port}'] }
`);
      const url = `${gateway.url('web')}/`;
      await eventually('both answer', async () => expect((await ask(url)).text).toBe(address));
      const report = await underLoad({ url, host: 'a', rate: 200 }, async () => {
        die();
        await new Promise((resolve) => setTimeout(resolve, 6_000));
      });
      expect(report.errors).toEqual({});
      expect(report.requests).toBeGreaterThan(1_200);
      expect(report.latencyMs.max).toBeLessThan(4_500);
      expect(report.latencyMs.p90).toBeLessThan(500);
    }, 60_000);
  });
});
