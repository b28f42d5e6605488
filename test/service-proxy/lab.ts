// A network namespace with an API server, the one Service of these tests, and service proxies that a test starts there.
// Knows the CLI from the outside; what should happen is the tests' matter.
import { spawnSync } from 'node:child_process';
import { expect } from 'vitest';
import { uniqueName } from '#lib/sys/testing.ts';
import { eventually } from '../support/eventually.ts';
import { evenkeelBinary, type Finished, type Running, run, start } from '../support/run.ts';
import { tempDir } from '../support/temp-dir.ts';
import { objects, SERVER } from './web.ts';

export class ProxyLab {
  readonly name = uniqueName('sp');
  readonly #data = tempDir('service-proxy');
  readonly #servers: Running[] = [];
  readonly #proxies: Running[] = [];

  /** The API server has the Service, and both endpoints answer. */
  async start(): Promise<void> {
    const { name } = this;
    spawnSync('sh', [
      '-ec',
      `ip netns add ${name}; ip -n ${name} link set lo up; ip -n ${name} addr add 192.0.2.1/32 dev lo
       ip -n ${name} addr add 192.0.2.2/32 dev lo; ip -n ${name} route add 127.96.0.0/16 dev lo`,
    ]);
    this.#servers.push(this.begin(process.execPath, '-e', SERVER));
    this.#servers.push(this.begin(evenkeelBinary, 'apiserver', '--data', this.#data.path));
    await eventually('the API server is there', () => this.apply(objects('192.0.2.1')), 90_000);
  }

  async remove(): Promise<void> {
    await this.endProxies();
    for (const { child, finished } of this.#servers) {
      child.kill('SIGTERM');
      await finished;
    }
    spawnSync('ip', ['netns', 'del', this.name]);
    this.#data.remove();
  }

  get data(): string {
    return this.#data.path;
  }

  begin(...command: string[]): Running {
    return start('nsenter', this.#inside(command));
  }

  /** To its end, which it has to come to within a minute. */
  within(...command: string[]): Promise<Finished> {
    return run('nsenter', this.#inside(command), { timeoutMs: 60_000 });
  }

  async says(...command: string[]): Promise<string> {
    return (await this.within(...command)).stdout;
  }

  /** Manifests in JSON. */
  async apply(text: string): Promise<void> {
    const args = this.#inside([evenkeelBinary, 'apply', '-', '--data', this.data]);
    const { code, stdout, stderr } = await run('nsenter', args, { input: text });
    expect(code, stdout + stderr).toBe(0);
  }

  /** Of the node `n1`; not waited for. */
  beginProxy(...args: string[]): Running {
    const running = this.begin(
      evenkeelBinary,
      'service-proxy',
      '--data',
      this.data,
      '--hostname-override',
      'n1',
      ...args,
    );
    this.#proxies.push(running);
    return running;
  }

  /** The same, once it serves. */
  async proxy(...args: string[]): Promise<Running> {
    const running = this.beginProxy(...args);
    await eventually('the proxy serves', () => expect(running.output().stdout).toContain('Service ports'));
    return running;
  }

  /** With a service proxy in it; not waited for. */
  beginKubelet(node: string): Running {
    return this.begin(
      evenkeelBinary,
      ...['kubelet', '--kubeconfig', `${this.data}/kubeconfig`, '--node-name', node, '--data', `${this.data}/${node}`],
      ...['--network', 'loopback', '--pod-cidr', '127.244.9.0/24', '--port', '0', '--service-proxy', 'nftables'],
    );
  }

  async endProxies(): Promise<void> {
    for (const running of this.#proxies.splice(0)) await end(running, 'SIGKILL');
  }

  async curl(...args: string[]): Promise<string> {
    const { stdout, code } = await this.within('curl', '-s', '--max-time', '5', ...args);
    return code === 0 ? stdout : `curl ended with ${code}`;
  }

  #inside(command: readonly string[]): string[] {
    return [`--net=/run/netns/${this.name}`, '--', ...command];
  }
}

export async function end({ child, finished }: Running, signal: NodeJS.Signals): Promise<Finished> {
  child.kill(signal);
  return await finished;
}
