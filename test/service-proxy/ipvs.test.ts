// `evenkeel service-proxy --mode ipvs` beside an API server, in a guest kernel that has IPVS: from objects to answers.
// Knows the CLI from the outside; what IPVS does to packets in full is the drivers' contract.
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { evenkeelBinary, type Running, run, start } from '../support/run.ts';
import { tempDir } from '../support/temp-dir.ts';
import { inGuest } from '../support/uml/tests-in-guest.ts';
import { objects, SERVER } from './web.ts';

/** Programs start slowly in a guest, and more so where the machine has other things to do. */
const PATIENCE_MS = 240_000;
const tools = ['ipvsadm', 'ipset', 'iptables', 'conntrack', 'curl'];

inGuest(import.meta.url, 'a service proxy by IPVS', { tools, modules: ['ipv6'], memoryMb: 1024 }, () => {
  const sh = (script: string): string => {
    const { status, stdout, stderr } = spawnSync('sh', ['-ec', script], { encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
    return stdout;
  };
  const table = (): string => sh('ipvsadm -S -n');
  const rest = (): string =>
    sh(
      'ipset list -n; ip -o link show type dummy; for ip in iptables ip6tables; do $ip-legacy-save | grep ^-A || :; done',
    );

  it('serves by the scheduler that is said, follows endpoints, and leaves nothing', { timeout: 500_000 }, async () => {
    sh('ip addr add 192.0.2.1/32 dev lo; ip addr add 192.0.2.2/32 dev lo');
    const data = tempDir('service-proxy-ipvs');
    const running: Running[] = [];
    const apply = async (endpoint: string): Promise<void> => {
      const args = ['apply', '-', '--data', data.path];
      const { code, stdout, stderr } = await run(evenkeelBinary, args, { input: objects(endpoint) });
      expect(code, stdout + stderr).toBe(0);
    };
    const curl = async (): Promise<string> =>
      (await run('curl', ['-s', '--max-time', '20', 'http://192.0.2.1:30080/'])).stdout;
    try {
      running.push(start(process.execPath, ['-e', SERVER]), start(evenkeelBinary, ['apiserver', '--data', data.path]));
      await eventually('the API server is there', () => apply('192.0.2.1'), PATIENCE_MS);
      const words = ['--data', data.path, '--hostname-override', 'n1', '--mode', 'ipvs', '--ipvs-scheduler', 'wlc'];
      const proxy = start(evenkeelBinary, ['service-proxy', ...words]);
      running.push(proxy);
      await eventually(
        'the proxy serves',
        () => expect(proxy.output().stdout, proxy.output().stderr).toContain('Service ports'),
        PATIENCE_MS,
      );
      expect(await curl()).toBe('192.0.2.1');
      expect(table()).toContain('-A -t 192.0.2.1:30080 -s wlc\n-a -t 192.0.2.1:30080 -r 192.0.2.1:9000 -m -w 1\n');
      await apply('192.0.2.2');
      await eventually('the other endpoint answers', async () => expect(await curl()).toBe('192.0.2.2'), PATIENCE_MS);
      proxy.child.kill('SIGTERM');
      expect(await proxy.finished).toMatchObject({ code: 0, stderr: 'Stopping.\n' });
      expect([table(), rest()]).toEqual(['', '']);
      const killed = start(evenkeelBinary, ['service-proxy', ...words]);
      running.push(killed);
      await eventually(
        'it serves again',
        () => expect(killed.output().stdout, killed.output().stderr).toContain('Service ports'),
        PATIENCE_MS,
      );
      killed.child.kill('SIGKILL');
      await killed.finished;
      expect(table()).not.toBe('');
      const cleaned = await run(evenkeelBinary, ['service-proxy', '--cleanup', '--mode', 'ipvs']);
      expect(cleaned).toMatchObject({ code: 0, stderr: '', stdout: 'Driver ipvs: what it had left is removed\n' });
      expect([table(), rest()]).toEqual(['', '']);
    } finally {
      for (const { child } of running) child.kill('SIGKILL');
      await Promise.all(running.map(({ finished }) => finished));
      data.remove();
    }
  });
});
