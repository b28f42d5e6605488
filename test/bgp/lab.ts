// Two network namespaces with a cable between them: a real router (BIRD) in one, a speaker in the other.
// Knows how to start, ask and stop both; what they should say is the tests' matter.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addNamespace, ip, uniqueName } from '#lib/sys/testing.ts';
import type { Announcement } from '#traffic/announce/bgp/routes/announcement.ts';
import type { CloseOptions } from '#traffic/announce/bgp/speaker.ts';
import type { SpeakerStatus } from '#traffic/announce/bgp/status.ts';
import { eventually } from '../support/eventually.ts';
import { mustRun } from '../support/run.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import type { Order, PlainOptions } from './speaker-process.ts';

export const OURS = { ipv4: '192.0.2.1', ipv6: '2001:db8:7::1', linkLocal: 'fe80::a' } as const;
export const ROUTER = { ipv4: '192.0.2.2', ipv6: '2001:db8:7::2', linkLocal: 'fe80::b' } as const;
export const LINK = 'cable';

const speakerFile = fileURLToPath(new URL('./speaker-process.ts', import.meta.url));

export class Lab {
  readonly ours: string;
  readonly routers: string;
  readonly #dir: TempDir = tempDir('bgp');
  readonly #routers = new Set<Router>();
  readonly #speakers = new Set<SpeakerProcess>();

  constructor() {
    this.ours = addNamespace('evk-bgp-s');
    this.routers = addNamespace('evk-bgp-r');
    const [one, other] = [uniqueName('ev'), uniqueName('ev')];
    ip(`link add ${one} type veth peer name ${other}`);
    for (const [namespace, link, end] of [
      [this.ours, one, OURS],
      [this.routers, other, ROUTER],
    ] as const) {
      ip(`link set ${link} netns ${namespace}`);
      ip(`-n ${namespace} link set ${link} name ${LINK} addrgenmode none`);
      ip(`-n ${namespace} address add ${end.ipv4}/24 dev ${LINK}`);
      ip(`-n ${namespace} address add ${end.ipv6}/64 dev ${LINK} nodad`);
      ip(`-n ${namespace} address add ${end.linkLocal}/64 dev ${LINK} nodad`);
      ip(`-n ${namespace} link set ${LINK} up`);
    }
  }

  /** Starts BIRD with one protocol named `node`, whose configuration is `protocol`. */
  async router(protocol: string, more = ''): Promise<Router> {
    const router = new Router(this.routers, this.#dir.path, protocol, more);
    this.#routers.add(router);
    await router.start();
    return router;
  }

  async speaker(options: PlainOptions): Promise<SpeakerProcess> {
    const speaker = new SpeakerProcess(this.ours, options);
    this.#speakers.add(speaker);
    await speaker.ready;
    return speaker;
  }

  async clear(): Promise<void> {
    await Promise.all([...this.#speakers].map((speaker) => speaker.kill()));
    await Promise.all([...this.#routers].map((router) => router.kill()));
    this.#speakers.clear();
    this.#routers.clear();
  }

  async remove(): Promise<void> {
    await this.clear();
    ip(`netns del ${this.ours}`);
    ip(`netns del ${this.routers}`);
    this.#dir.remove();
  }
}

async function kill(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  // A stopped process dies of nothing else.
  if (signal !== 'SIGKILL') child.kill('SIGCONT');
  await gone;
}

export class Router {
  readonly #namespace: string;
  readonly #config: string;
  readonly #socket: string;
  #child: ChildProcess | undefined;
  #log = '';

  constructor(namespace: string, dir: string, protocol: string, more: string) {
    const name = uniqueName('bird');
    this.#namespace = namespace;
    this.#config = join(dir, `${name}.conf`);
    this.#socket = join(dir, `${name}.ctl`);
    writeFileSync(
      this.#config,
      `log stderr all;
router id ${ROUTER.ipv4};
protocol device { scan time 1; }
protocol direct { ipv4; ipv6; }
${more}
protocol bgp node { ${protocol} }
`,
    );
  }

  async start(): Promise<void> {
    const args = ['netns', 'exec', this.#namespace, 'bird', '-f', '-c', this.#config, '-s', this.#socket];
    const child = spawn('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    const dead = once(child, 'exit').then(() => {
      throw new Error(`The router ended: ${this.#log}`);
    });
    await Promise.race([dead, eventually('the router answers', () => this.ask('show status'), 60_000)]);
    // Later it is meant to end.
    dead.catch(() => {});
  }

  /** What it has logged. */
  get log(): string {
    return this.#log;
  }

  ask(question: string): Promise<string> {
    return mustRun('birdc', ['-s', this.#socket, ...question.split(' ')]);
  }

  /** Everything it knows of the routes that it has from us. */
  async routes(): Promise<string> {
    return this.ask('show route protocol node all');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return kill(this.#child, signal);
  }
}

export class SpeakerProcess {
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: { result?: unknown; error?: string }) => void>();
  #next = 1;
  #log = '';

  constructor(namespace: string, options: PlainOptions) {
    const args = ['netns', 'exec', namespace, process.execPath, speakerFile, JSON.stringify(options)];
    this.#child = spawn('ip', args, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    this.ready = new Promise((resolve, reject) => {
      this.#waiting.set(0, () => resolve());
      this.#child.once('exit', (code) => reject(new Error(`The speaker ended with ${code}: ${this.#log}`)));
    });
    this.#child.on('message', (answer: { id: number; result?: unknown; error?: string }) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** What it has logged. */
  get log(): string {
    return this.#log;
  }

  announce(announcements: readonly Announcement[]): Promise<unknown> {
    return this.#order({ do: 'announce', announcements });
  }

  status(): Promise<SpeakerStatus> {
    return this.#order({ do: 'status' }) as Promise<SpeakerStatus>;
  }

  metrics(): Promise<string> {
    return this.#order({ do: 'metrics' }) as Promise<string>;
  }

  setPeers(peers: PlainOptions['peers']): Promise<unknown> {
    return this.#order({ do: 'setPeers', peers });
  }

  work(ms: number): Promise<unknown> {
    return this.#order({ do: 'work', ms });
  }

  close(options: CloseOptions = {}): Promise<unknown> {
    return this.#order({ do: 'close', options });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  kill(): Promise<void> {
    return kill(this.#child, 'SIGKILL');
  }

  #order(order: Order): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))));
      this.#child.send({ id, order });
    });
  }
}
