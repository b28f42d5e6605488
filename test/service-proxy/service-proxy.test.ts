// `evenkeel service-proxy` beside an API server, in a network namespace of the test: the command, its rules, its pages.
// Knows the CLI from the outside; what rules do to packets in full is the drivers' contract.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mountPoints } from '#lib/sys/mounts.ts';
import { privilegedObstacle, uniqueName } from '#lib/sys/testing.ts';
import { ebpfObstacle } from '#traffic/kernel/ebpf/driver/ebpf-driver.ts';
import { eventually } from '../support/eventually.ts';
import { kernelAllows } from '../support/kernel.ts';
import { evenkeel, evenkeelBinary, type Finished, type Running, run, start } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { hasTool } from '../support/tools.ts';
import { CLIENT, objects, SERVER } from './web.ts';

const missing = ['nft', 'conntrack', 'curl'].find((tool) => spawnSync(tool, ['--version']).error !== undefined);
const obstacle = privilegedObstacle() ?? (missing === undefined ? undefined : `${missing} is not installed`);
const possible = kernelAllows(obstacle, 'evenkeel service-proxy');

describe.runIf(possible)('evenkeel service-proxy', () => {
  const name = uniqueName('sp');
  const inside = (...command: string[]): string[] => [`--net=/run/netns/${name}`, '--', ...command];
  const within = (...command: string[]): Promise<Finished> => run('nsenter', inside(...command));
  const nft = async (): Promise<string> => (await within('nft', 'list', 'ruleset')).stdout;
  const curl = async (url: string): Promise<string> => {
    const { stdout, code } = await within('curl', '-s', '--max-time', '5', url);
    return code === 0 ? stdout : `curl ended with ${code}`;
  };
  let data: TempDir;
  const servers: Running[] = [];
  const proxies: Running[] = [];

  const apply = async (endpoint: string): Promise<void> => {
    const args = inside(evenkeelBinary, 'apply', '-', '--data', data.path);
    const { code, stdout, stderr } = await run('nsenter', args, { input: objects(endpoint) });
    expect(code, stdout + stderr).toBe(0);
  };
  const proxy = async (...args: string[]): Promise<Running> => {
    const command = [evenkeelBinary, 'service-proxy', '--data', data.path, '--hostname-override', 'n1', ...args];
    const running = start('nsenter', inside(...command));
    proxies.push(running);
    await eventually('the proxy serves', () => expect(running.output().stdout).toContain('Service ports'));
    return running;
  };
  const end = async ({ child, finished }: Running, signal: NodeJS.Signals): Promise<Finished> => {
    child.kill(signal);
    return finished;
  };

  beforeAll(async () => {
    data = tempDir('service-proxy');
    spawnSync('sh', [
      '-ec',
      `ip netns add ${name}; ip -n ${name} link set lo up; ip -n ${name} addr add 192.0.2.1/32 dev lo
       ip -n ${name} addr add 192.0.2.2/32 dev lo; ip -n ${name} route add 127.96.0.0/16 dev lo`,
    ]);
    servers.push(start('nsenter', inside(process.execPath, '-e', SERVER)));
    const api = start('nsenter', inside(evenkeelBinary, 'apiserver', '--data', data.path));
    servers.push(api);
    await eventually('the API server is there', () => apply('192.0.2.1'));
  }, 60_000);
  afterEach(async () => {
    for (const running of proxies.splice(0)) await end(running, 'SIGKILL');
  });
  afterAll(async () => {
    for (const running of servers) await end(running, 'SIGTERM');
    spawnSync('ip', ['netns', 'del', name]);
    data?.remove();
  });

  it('serves what Services say, follows their endpoints, and leaves nothing', { timeout: 60_000 }, async () => {
    const running = await proxy();
    expect(await curl('http://192.0.2.1:30080/')).toBe('192.0.2.1');
    await apply('192.0.2.2');
    await eventually('the other endpoint answers', async () =>
      expect(await curl('http://192.0.2.1:30080/')).toBe('192.0.2.2'),
    );
    expect(await curl('http://127.0.0.1:10256/healthz')).toContain('"healthy":true,"nodeEligible":true');
    expect(await curl('http://127.0.0.1:10256/livez')).toContain('"healthy":true');
    const metrics = await curl('http://127.0.0.1:10249/metrics');
    expect(metrics).toContain('evenkeel_service_proxy_info{mode="nftables",node="n1"} 1');
    if (hasTool('promtool', 'what promtool says of the proxy’s metrics')) {
      expect((await run('promtool', ['check', 'metrics'], { input: metrics })).stderr).toBe('');
    }
    expect(metrics).toMatch(/evenkeel_service_proxy_service_ports\{family="IPv4"\} 2/);
    expect(await end(running, 'SIGTERM')).toMatchObject({ code: 0, stderr: 'Stopping.\n' });
    expect(await nft()).toBe('');
  });

  it('ends connections to an endpoint that has gone, where it is asked to', { timeout: 60_000 }, async () => {
    await apply('192.0.2.1');
    const running = await proxy('--tcp-drain-timeout', '300ms');
    const client = start('nsenter', inside(process.execPath, '-e', CLIENT));
    servers.push(client);
    await eventually('the client is connected', () => expect(client.output().stdout).toBe('connected\n'));
    await apply('192.0.2.2');
    // It says nothing, and hears of it all the same.
    await client.finished;
    expect(client.output().stdout).toMatch(/^connected\nended by (ECONNABORTED|ECONNRESET)\n$/);
    await end(running, 'SIGTERM');
    expect(await nft()).toBe('');
    const wrong = await within(evenkeelBinary, 'service-proxy', '--tcp-drain-timeout', 'soon');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("'soon' is invalid. It is no duration")]);
  });

  it('goes on after kill -9, by the rules that are there', { timeout: 60_000 }, async () => {
    await end(await proxy(), 'SIGKILL');
    await eventually('rules stay', async () => expect(await curl('http://192.0.2.1:30080/')).toMatch(/^192/));
    const next = await proxy('--keep-rules');
    await end(next, 'SIGTERM');
    expect(await curl('http://192.0.2.1:30080/')).toMatch(/^192/);
    const cleaned = await within(evenkeelBinary, 'service-proxy', '--cleanup');
    expect(cleaned.code).toBe(0);
    expect(cleaned.stdout).toContain('Driver nftables: what it had left is removed\n');
    expect(await nft()).toBe('');
  });

  it('serves sockets by eBPF where it is asked to', { timeout: 60_000 }, async () => {
    const root = mountPoints('cgroup2')[0];
    if (
      !kernelAllows(
        ebpfObstacle() ?? (root === undefined ? 'no cgroup2 is mounted' : undefined),
        'service-proxy by eBPF',
      )
    ) {
      return;
    }
    const cgroup = `${root}/${name}`;
    mkdirSync(cgroup);
    try {
      const running = await proxy('--mode', 'ebpf', '--cgroup', cgroup);
      expect(running.output().stdout).toContain('Driver ebpf: as asked for');
      const peer = 'echo $$ > $0/cgroup.procs; exec curl -s --max-time 5 -w " by %{remote_ip}" http://192.0.2.1:30080/';
      const { stdout } = await within('sh', '-c', peer, cgroup);
      expect(stdout).toMatch(/^192\.0\.2\.[12] by 192\.0\.2\.1$/);
      // Whoever is not in the group is served by the driver beneath.
      expect(await curl('http://192.0.2.1:30080/')).toMatch(/^192/);
      await end(running, 'SIGKILL');
      const kept = await within('sh', '-c', peer, cgroup);
      expect(kept.stdout).toMatch(/ by 192\.0\.2\.1$/);
      const cleaned = await within(evenkeelBinary, 'service-proxy', '--cleanup');
      expect(cleaned.stdout).toContain('Driver ebpf: what it had left is removed\n');
      expect(await nft()).toBe('');
      const after = await within('sh', '-c', peer, cgroup);
      expect(after.stdout).not.toContain('192.0.2.2');
      // A proxy of another mode takes away what is left as well.
      await end(await proxy('--mode', 'ebpf', '--cgroup', cgroup), 'SIGKILL');
      const next = await proxy('--mode', 'nftables');
      await eventually('it says so', () =>
        expect(next.output().stdout).toContain('Removed what an earlier run with driver ebpf had left\n'),
      );
      expect(existsSync('/run/evenkeel/bpf/evenkeel-default')).toBe(false);
      expect(await curl('http://192.0.2.1:30080/')).toMatch(/^192/);
      await end(next, 'SIGTERM');
    } finally {
      await eventually('the group is empty', () => rmdirSync(cgroup));
    }
  });

  it('has the kernel remember connections as long as flags say, and as before at its end', {
    timeout: 60_000,
  }, async () => {
    const setting = async (file: string): Promise<string> => {
      const { stdout } = await within('cat', `/proc/sys/net/netfilter/nf_conntrack_${file}`);
      return stdout.trim();
    };
    const before = await setting('udp_timeout');
    const flags = ['--conntrack-udp-timeout', '77s', '--conntrack-tcp-timeout-close-wait', '1h'];
    const running = await proxy('--mode', 'nftables', ...flags);
    expect([await setting('udp_timeout'), await setting('tcp_timeout_close_wait')]).toEqual(['77', '3600']);
    await end(running, 'SIGTERM');
    expect(await setting('udp_timeout')).toBe(before);
    // The most connections are a matter of the whole machine.
    const refused = start(
      'nsenter',
      inside(evenkeelBinary, 'service-proxy', '--data', data.path, '--conntrack-min', '900000000'),
    );
    const { code, stderr } = await refused.finished;
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('--conntrack-min: /proc/sys/net/netfilter/nf_conntrack_max cannot be set'),
    ]);
  });

  it('serves by user space alone, and takes its routes away', { timeout: 120_000 }, async () => {
    const routes = async (): Promise<string> =>
      (await within('ip', 'route', 'show', 'table', 'local', 'proto', '186')).stdout;
    await apply('192.0.2.1');
    const running = await proxy('--mode', 'userspace');
    expect(running.output().stdout).toContain('Driver userspace: as asked for');
    expect(await curl('http://192.0.2.1:30080/')).toBe('192.0.2.1');
    expect(await routes()).toMatch(/^local 127\.96\./);
    await apply('192.0.2.2');
    await eventually('the other endpoint answers', async () =>
      expect(await curl('http://192.0.2.1:30080/')).toBe('192.0.2.2'),
    );
    expect(await curl('http://127.0.0.1:10249/metrics')).toContain('info{mode="userspace",node="n1"} 1');
    expect(await nft()).toBe('');
    expect(await end(running, 'SIGTERM')).toMatchObject({ code: 0, stderr: 'Stopping.\n' });
    expect(await routes()).toBe('');
    await end(await proxy('--mode', 'userspace'), 'SIGKILL');
    expect(await routes()).not.toBe('');
    const cleaned = await within(evenkeelBinary, 'service-proxy', '--mode', 'userspace', '--cleanup');
    expect(cleaned).toMatchObject({ code: 0, stdout: 'Driver userspace: what it had left is removed\n' });
    expect(await routes()).toBe('');
  });

  it('says what is wrong with its flags and its ports', { timeout: 60_000 }, async () => {
    const wrong = await evenkeel(['service-proxy', '--cluster-cidr', '10.244.0.0']);
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain('"10.244.0.0" is no range');
    await proxy();
    const second = await within(evenkeelBinary, 'service-proxy', '--data', data.path, '--hostname-override', 'n1');
    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain('Another service proxy');
    // The first one goes on undisturbed.
    expect(await curl('http://192.0.2.1:30080/')).toMatch(/^192/);
  });
});
