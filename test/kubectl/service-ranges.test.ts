// Ranges of Services through a real kubectl: what `evenkeel apiserver --service-cidr` gives, and what extends it.
// The API server and its controllers run as a process of their own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { findKubectl, type Kubectl, kubectlFor } from '#test/support/kubectl.ts';
import { evenkeelBinary, type Running, start } from '#test/support/run.ts';
import { tempDir } from '#test/support/temp-dir.ts';

const found = await findKubectl('current');
const possible = kernelAllows('missing' in found ? found.missing : undefined, 'ranges of Services by kubectl');

describe.runIf(possible)('kubectl, at an API server of two ranges', () => {
  const data = tempDir('service-ranges');
  let api: Running;
  let kubectl: Kubectl;

  beforeAll(async () => {
    const args = ['--controllers', '--data', data.path, '--api-port', '0'];
    api = start(evenkeelBinary, ['apiserver', ...args, '--service-cidr', '10.96.0.0/28,fd00:10:96::/112']);
    await eventually('it is up', () => expect(api.output().stdout).toContain('export KUBECONFIG='), 60_000);
    const home = join(data.path, 'home');
    mkdirSync(home);
    kubectl = kubectlFor('path' in found ? found.path : '', join(data.path, 'kubeconfig'), home);
  }, 90_000);
  afterAll(async () => {
    api?.child.kill('SIGTERM');
    await api?.finished;
    data.remove();
  }, 30_000);

  const create = (name: string, ...args: string[]) =>
    kubectl.try(['create', 'service', 'clusterip', name, '--tcp=80', ...args]);
  const rows = async (...words: string[]): Promise<string[]> =>
    (await kubectl(['get', ...words, '--no-headers']))
      .trim()
      .split('\n')
      .map((row) => row.replace(/\s+\S+$/, '').replace(/ +/g, ' '));

  test('shows them, and who has which address', async () => {
    expect(await rows('servicecidrs')).toEqual(['kubernetes 10.96.0.0/28,fd00:10:96::/112']);
    await create('web', '--clusterip=10.96.0.9');
    await eventually('the address is there', async () =>
      expect(await rows('ipaddresses')).toEqual([
        '10.96.0.1 services/default/kubernetes',
        '10.96.0.9 services/default/web',
      ]),
    );
    const outside = await create('outside', '--clusterip=10.200.0.1');
    expect(outside.stderr).toContain(
      'failed to allocate IP 10.200.0.1: the provided network does not match the current range (10.96.0.0/28)',
    );
    const both = '{"spec":{"ipFamilyPolicy":"RequireDualStack"}}';
    await kubectl(['patch', 'service', 'web', '-p', both]);
    expect(await kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIPs}'])).toMatch(
      /^\["10\.96\.0\.9","fd00:10:96::[0-9a-f]+"\]$/,
    );
  }, 60_000);

  test('extends them, and is told why an extension stays', async () => {
    const more =
      'apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: more}\nspec: {cidrs: [10.98.0.0/24]}\n';
    await kubectl(['apply', '-f', '-'], more);
    await kubectl(['wait', '--for=condition=Ready', 'servicecidr/more', '--timeout=20s']);
    expect((await create('there', '--clusterip=10.98.0.7')).code).toBe(0);
    await kubectl(['delete', 'servicecidr', 'more', '--wait=false']);
    await kubectl(['wait', '--for=condition=Ready=False', 'servicecidr/more', '--timeout=20s']);
    expect(await kubectl(['get', 'servicecidr', 'more', '-o', 'jsonpath={.status.conditions[0].message}'])).toContain(
      'There are still IPAddresses referencing the ServiceCIDR',
    );
    await kubectl(['delete', 'service', 'there']);
    await kubectl(['wait', '--for=delete', 'servicecidr/more', '--timeout=40s']);
  }, 90_000);
});
