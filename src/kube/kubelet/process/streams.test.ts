// Open streams of real processes, plain ones and those apart from the machine: exec, attach and their terminals.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { MappedImages } from '../image/mapped-images.ts';
import type { ContainerSpec, OpenStreams, RunningContainer } from '../runtime.ts';
import { ProcessRuntime } from './process-runtime.ts';

/** Not below /tmp, which a container has for itself. */
const base = mkdtempSync(join(homedir(), '.evenkeel-streams-'));
const dataDir = join(base, 'kubelet');
mkdirSync(dataDir);
const runtime = new ProcessRuntime({
  dataDir,
  images: new MappedImages(() => ({})),
  keep: [process.execPath],
  clock: systemClock,
  log: silentLogger,
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

let starts = 0;
const SLEEP = 'trap "exit 0" TERM; while :; do sleep 0.1; done';

function spec(script: string, rest: Partial<ContainerSpec>): ContainerSpec {
  starts += 1;
  return {
    podUid: 'streams',
    podName: 'pod',
    namespace: 'default',
    name: `c${starts}`,
    sandbox: { hostname: 'web-0', podIps: [] },
    image: { id: 'process://sh', entrypoint: [], args: [], env: {}, pulled: false },
    command: ['sh', '-c', script],
    workingDir: '/',
    env: { PATH: process.env.PATH ?? '', WORD: 'hello' },
    mounts: [],
    logPath: join(dataDir, 'pods', 'streams', 'logs', `c${starts}`, '0.log'),
    limits: { cpuShares: 2 },
    podLimits: { cpuShares: 2 },
    oomScoreAdj: 1000,
    security: {
      groups: [],
      groupsOfImage: true,
      privileged: false,
      capabilities: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'],
      noNewPrivileges: false,
      readOnlyRoot: false,
      unmaskedProc: false,
    },
    ...rest,
  };
}

const obstacle = await runtime.isolationObstacle();
const apart: Partial<ContainerSpec> = {
  sandbox: { hostname: 'web-0', podIps: [], isolation: { pid: 'container', ipc: 'container', sysctls: {} } },
};
const modes: [string, Partial<ContainerSpec>, boolean][] = [
  ['plain processes', {}, true],
  ['containers apart from the machine', apart, kernelAllows(obstacle, 'streams of containers apart from the machine')],
];

describe.each(modes.filter(([, , runs]) => runs))('%s', (_mode, rest) => {
  let container: RunningContainer;

  const open = async (command: string[], more: { stdin?: boolean; tty?: boolean } = {}): Promise<OpenStreams> => {
    const streams = await container.open?.({ command, stdin: false, tty: false, ...more });
    if (streams === undefined) throw new Error('the runtime opens no streams');
    return streams;
  };
  const stop = async (running: RunningContainer): Promise<void> => {
    running.signal('SIGKILL');
    await running.exited;
  };
  /** Everything that has come so far. */
  const seen = (streams: OpenStreams): (() => string) => {
    let all = '';
    streams.stdout.on('data', (chunk: Buffer) => {
      all += chunk.toString();
    });
    return () => all;
  };

  describe('exec', () => {
    beforeAll(async () => {
      container = await runtime.start(spec(SLEEP, rest));
    });
    afterAll(() => stop(container));

    test('has the container’s environment, two outputs and an exit code', async () => {
      const streams = await open(['sh', '-c', 'echo $WORD > /dev/stdout; echo bad > /dev/stderr; exit 9']);
      expect(await Promise.all([text(streams.stdout), text(streams.stderr as NodeJS.ReadableStream)])).toEqual([
        'hello\n',
        'bad\n',
      ]);
      expect(await streams.exited).toEqual({ exitCode: 9 });
    });

    test('reads its input to the end, also by name', async () => {
      const streams = await open(['sh', '-c', 'wc -c < /dev/stdin'], { stdin: true });
      streams.stdin?.end(Buffer.alloc(1_000_000));
      expect((await text(streams.stdout)).trim()).toBe('1000000');
    });

    test('at a terminal a shell ends with the code that it is told, and controls its jobs', async () => {
      const streams = await open(['sh'], { stdin: true, tty: true });
      const output = text(streams.stdout);
      streams.stdin?.write('sleep 0 & wait; exit 5\n');
      expect(await streams.exited).toEqual({ exitCode: 5 });
      expect(await output).not.toContain('process group');
    });

    test('has a terminal that takes a new size', async () => {
      const script = 'stty size; while test "$(stty size)" != "45 123"; do read line; done; stty size; test -t 1';
      const streams = await open(['sh', '-c', script], { stdin: true, tty: true });
      const output = seen(streams);
      await eventually('the first size is shown', async () => expect(output()).toMatch(/\d+ \d+/));
      streams.resize({ columns: 123, rows: 45 });
      await eventually('the new size is shown', async () => {
        streams.stdin?.write('\n');
        expect(output()).toContain('45 123');
      });
      expect((await streams.exited).exitCode).toBe(0);
    });

    test.each([false, true])('ends when its client hangs up (tty: %s)', async (tty) => {
      const streams = await open(['sh', '-c', 'echo ready; sleep 1000'], { stdin: true, tty });
      const output = seen(streams);
      await eventually('it runs', async () => expect(output()).toContain('ready'));
      streams.hangUp();
      expect((await streams.exited).exitCode).toBeGreaterThan(128);
    });

    test('says of a program that is not there what container runtimes say', async () => {
      const streams = await open(['no-such-program']);
      expect(await text(streams.stderr as NodeJS.ReadableStream)).toContain('executable file not found in $PATH');
      expect(await streams.exited).toEqual({ exitCode: 127 });
    });
  });

  describe('attach', () => {
    let logPath = '';
    const begin = async (script: string, more: Partial<ContainerSpec>): Promise<void> => {
      const wanted = spec(script, { ...rest, ...more });
      ({ logPath } = wanted);
      container = await runtime.start(wanted);
    };
    const attach = (): OpenStreams => container.attach?.({ stdin: true }) as OpenStreams;
    beforeEach(() => {
      logPath = '';
    });
    afterEach(() => stop(container));

    test('input reaches the container whoever sends it, and outlives them', async () => {
      await begin('while read line; do echo got $line; done', { stdin: true });
      for (const word of ['one', 'two']) {
        const streams = attach();
        const output = seen(streams);
        streams.stdin?.end(`${word}\n`);
        await eventually(`${word} comes back`, async () => expect(output()).toBe(`got ${word}\n`));
        streams.hangUp();
      }
      expect(readFileSync(logPath, 'utf8')).toMatch(/got one\n.*got two\n/);
    });

    test('with stdinOnce the first input that ends is the last', async () => {
      await begin('cat; echo over', { stdin: true, stdinOnce: true });
      const streams = attach();
      const output = text(streams.stdout);
      streams.stdin?.end('all of it\n');
      expect(await output).toBe('all of it\nover\n');
      expect((await container.exited).exitCode).toBe(0);
    });

    test('nothing is lost for a slow reader, nor in the log', async () => {
      await begin('read go; seq 100000', { stdin: true });
      const streams = attach();
      streams.stdin?.write('go\n');
      await new Promise((resolve) => streams.stdout.once('readable', resolve));
      const lines = (await text(streams.stdout)).trimEnd().split('\n');
      expect([lines.length, lines.at(-1)]).toEqual([100_000, '100000']);
      await container.exited;
      expect(readFileSync(logPath, 'utf8').trimEnd().split('\n')).toHaveLength(100_000);
    });

    test('a container at a terminal takes input, a size, and an interrupt', async () => {
      await begin('test -t 0 && echo terminal; while read line; do stty size; done', { stdin: true, tty: true });
      const streams = attach();
      const output = seen(streams);
      streams.resize({ columns: 99, rows: 11 });
      await eventually('the size is shown', async () => {
        streams.stdin?.write('\n');
        expect(output()).toContain('11 99');
      });
      streams.stdin?.write('\x03');
      expect((await container.exited).exitCode).toBe(130);
    });

    test('no input where none is declared', async () => {
      await begin('cat; echo empty', {});
      await container.exited;
      expect(readFileSync(logPath, 'utf8')).toContain('stdout F empty');
      expect(existsSync(logPath)).toBe(true);
    });
  });
});
