// A speaker beside the service proxy of a node, in one process: it announces once Services are served, and both end in order.
// Real processes in namespaces, at a real API server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { evenkeelBinary } from '../support/run.ts';
import { hasTool } from '../support/tools.ts';
import { CLIENT, Lab, LINK } from './lab.ts';

const wanted = 'announcing beside the service proxy';
const possible = kernelAllows(privilegedObstacle(), wanted) && ['arping', 'nft'].every((tool) => hasTool(tool, wanted));
const VIP = '192.0.2.200';

describe.skipIf(!possible)('service-proxy --announce', { timeout: 240_000 }, () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = new Lab();
    await lab.start(1);
  }, 120_000);
  afterAll(() => lab.remove());

  it('answers for addresses as long as it serves', async () => {
    await lab.pool();
    await lab.service('web', [VIP], ['n1']);
    const node = lab.node('n1');
    const flags = [
      '--kubeconfig',
      lab.kubeconfig,
      '--hostname-override',
      'n1',
      '--mode',
      'nftables',
      '--announce',
      `${LINK},nosuch`,
    ];
    const args = ['netns', 'exec', node.namespace, evenkeelBinary, 'service-proxy', ...flags];
    const proxy = spawn('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    try {
      let [said, warned] = ['', ''];
      proxy.stderr.setEncoding('utf8').on('data', (text: string) => {
        warned += text;
      });
      proxy.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      const ask = (): Promise<string> =>
        lab.in(lab.client, 'sh', '-c', `arping -c 1 -w 1 -I ${LINK} -s ${CLIENT} ${VIP} || true`);
      const hardware = lab.hardwareOf(node).toUpperCase();
      await eventually('it answers', async () => expect(await ask(), said).toContain(hardware), 60_000);
      expect(said.indexOf('Serving')).toBeLessThan(said.indexOf('Speaker of node n1'));
      // Said once, however often it is looked for.
      expect(warned.match(/Interface .*?no part in layer 2: there is none of this name/g)).toHaveLength(1);
      const ended = once(proxy, 'exit');
      proxy.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      expect(await ask()).not.toContain(hardware);
    } finally {
      proxy.kill('SIGKILL');
    }
  });
});
