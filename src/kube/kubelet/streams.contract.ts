// Open streams that every runtime has to keep: exec, attach and their terminals; run by the tests of each.
// Knows runtimes by their interface only.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { Subject } from './runtime.contract.ts';
import type { ContainerSpec, ExecOptions, OpenStreams, RunningContainer } from './runtime.ts';

export interface StreamSubject extends Pick<Subject, 'runtime' | 'image' | 'isolation'> {
  /** Whether a command ends when the client that asked for it is gone; it is left to itself otherwise. */
  readonly hangsUp: boolean;
}

const SLEEP = 'trap "exit 0" TERM; while :; do sleep 0.1; done';

/** Everything that has come so far. */
function seen({ stdout }: OpenStreams): () => string {
  let all = '';
  stdout.on('data', (chunk: Buffer) => {
    all += chunk.toString();
  });
  return () => all;
}

export function streamsContract(make: (dir: string) => Promise<StreamSubject>): void {
  let subject: StreamSubject;
  let container: RunningContainer;
  let logPath = '';
  let dir: string;
  let starts = 0;
  beforeAll(async () => {
    // Not below /tmp, which a container may have for itself.
    dir = mkdtempSync(join(homedir(), '.evenkeel-streams-'));
    subject = await make(dir);
  }, 60_000);
  afterAll(async () => {
    await subject?.runtime.sweep();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  const begin = async (script: string, more: Partial<ContainerSpec> = {}): Promise<void> => {
    starts += 1;
    logPath = join(dir, 'logs', `c${starts}`, '0.log');
    const { runtime, image, isolation } = subject;
    container = await runtime.start({
      podUid: 'streams',
      podName: 'pod',
      namespace: 'default',
      name: `c${starts}`,
      sandbox: { hostname: 'web-0', podIps: [], ...(isolation === undefined ? {} : { isolation }) },
      image,
      command: ['sh', '-c', script],
      workingDir: '/',
      env: { PATH: process.env.PATH ?? '', WORD: 'hello' },
      mounts: [],
      logPath,
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
      ...more,
    });
  };
  const stop = async (): Promise<void> => {
    container.signal('SIGKILL');
    await container.exited;
  };
  /** Lines of the log without their times and streams. */
  const logged = (): string[] =>
    readFileSync(logPath, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ').slice(3).join(' '));

  describe('exec', () => {
    const open = async (command: string[], more: Partial<ExecOptions> = {}): Promise<OpenStreams> => {
      const streams = await container.open?.({ command, stdin: false, tty: false, ...more });
      if (streams === undefined) throw new Error('the runtime opens no streams');
      return streams;
    };
    beforeAll(async () => await begin(SLEEP), 60_000);
    afterAll(stop, 60_000);

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

    test('ends with its own output and exit code, whatever it has not read', async () => {
      const streams = await open(['sh', '-c', 'exec 0<&-; sleep 0.3; echo done; exit 4'], { stdin: true });
      streams.stdin?.on('error', () => {});
      streams.stdin?.end(Buffer.alloc(2_000_000));
      expect(await Promise.all([text(streams.stdout), text(streams.stderr as NodeJS.ReadableStream)])).toEqual([
        'done\n',
        '',
      ]);
      expect(await streams.exited).toEqual({ exitCode: 4 });
    });

    test('at a terminal a shell ends with the code that it is told, and controls its jobs', async () => {
      const streams = await open(['sh'], { stdin: true, tty: true });
      const output = text(streams.stdout);
      streams.stdin?.write('sleep 0 & wait; exit 5\n');
      expect(await streams.exited).toEqual({ exitCode: 5 });
      expect(await output).not.toContain('process group');
    });

    test('has a terminal that takes a new size', async () => {
      const streams = await open(['sh', '-c', 'while read line; do stty size; done; exit 3'], {
        stdin: true,
        tty: true,
        size: { columns: 77, rows: 22 },
      });
      const output = seen(streams);
      const shows = async (size: string): Promise<void> =>
        await eventually(`${size} is shown`, async () => {
          streams.stdin?.write('\n');
          expect(output()).toContain(size);
        });
      await shows('22 77');
      streams.resize({ columns: 123, rows: 45 });
      await shows('45 123');
      streams.stdin?.write('\x04');
      expect((await streams.exited).exitCode).toBe(3);
    });

    test('at a terminal every key is the command’s own', async () => {
      const streams = await open(['sh', '-c', 'stty raw -echo; echo ready; head -c 3; echo " over"'], {
        stdin: true,
        tty: true,
      });
      const output = seen(streams);
      await eventually('it reads', async () => expect(output()).toContain('ready'));
      streams.stdin?.write('\x10');
      streams.stdin?.write('\x11x');
      await streams.exited;
      expect(output()).toContain('\x10\x11x over');
    });

    test.each([false, true])('is hung up with its client, or left to itself (tty: %s)', async (tty) => {
      const streams = await open(['sh', '-c', 'echo ready; sleep 1000'], { stdin: true, tty });
      const output = seen(streams);
      await eventually('it runs', async () => expect(output()).toContain('ready'));
      streams.hangUp();
      const { exitCode } = await streams.exited;
      if (subject.hangsUp) expect(exitCode).toBeGreaterThan(128);
      else expect(exitCode).toBe(0);
      expect(await (await open(['echo', 'still there'])).exited).toEqual({ exitCode: 0 });
    });

    test('says of a program that is not there what container runtimes say', async () => {
      const streams = await open(['no-such-program']);
      const said = await Promise.all(
        [streams.stdout, streams.stderr].map((each) => text(each as NodeJS.ReadableStream)),
      );
      expect(said.join('')).toContain('executable file not found in $PATH');
      expect([126, 127]).toContain((await streams.exited).exitCode);
    });
  });

  describe('attach', () => {
    const attach = (stdin = true): OpenStreams => {
      const streams = container.attach?.({ stdin });
      if (streams === undefined) throw new Error('the runtime cannot be attached to');
      return streams;
    };
    beforeEach(() => {
      logPath = '';
    });
    afterEach(stop, 60_000);

    test('input reaches the container whoever sends it, and outlives them', async () => {
      await begin('while read line; do echo got $line; done', { stdin: true });
      for (const word of ['one', 'two']) {
        const streams = attach();
        const output = seen(streams);
        streams.stdin?.end(`${word}\n`);
        await eventually(`${word} comes back`, async () => expect(output()).toBe(`got ${word}\n`));
        streams.hangUp();
      }
      expect(logged()).toEqual(['got one', 'got two']);
    });

    test('everybody who is attached gets both outputs, and none who leaves ends the container', async () => {
      await begin('read go; echo out; echo err >&2; read go; echo more; exit 6', { stdin: true });
      const [leaver, stayer] = [attach(), attach(false)];
      const [short, all] = [seen(leaver), seen(stayer)];
      const errors = text(stayer.stderr as NodeJS.ReadableStream);
      leaver.stdin?.write('go\n');
      await eventually('both have it', async () => expect([short(), all()]).toEqual(['out\n', 'out\n']));
      leaver.hangUp();
      const last = attach();
      last.stdin?.write('go\n');
      expect(await text(last.stdout)).toBe('more\n');
      expect(await stayer.exited).toMatchObject({ exitCode: 6 });
      await eventually('the other has it too', async () => expect(all()).toBe('out\nmore\n'));
      expect(await errors).toBe('err\n');
      expect(logged().sort()).toEqual(['err', 'more', 'out']);
    });

    test('with stdinOnce the first input that ends is the last', async () => {
      await begin('cat; echo over', { stdin: true, stdinOnce: true });
      const streams = attach();
      const output = text(streams.stdout);
      streams.stdin?.end('all of it\n');
      expect(await output).toBe('all of it\nover\n');
      expect((await container.exited).exitCode).toBe(0);
    });

    test('with stdinOnce a client that is gone has ended the input, but for a terminal, which has no end', async () => {
      await begin('cat; exit 8', { stdin: true, stdinOnce: true });
      attach().hangUp();
      expect((await container.exited).exitCode).toBe(8);
      await begin('while read line; do echo got $line; done', { stdin: true, stdinOnce: true, tty: true });
      attach().hangUp();
      const streams = attach();
      const output = seen(streams);
      streams.stdin?.write('still\n');
      await eventually('it goes on', async () => expect(output()).toContain('got still'));
    });

    test('output goes on when the container reads no more of its input', async () => {
      await begin('exec 0<&-; echo closed; sleep 0.5; echo end; exit 2', { stdin: true });
      const streams = attach();
      streams.stdin?.end(Buffer.alloc(500_000));
      expect((await container.exited).exitCode).toBe(2);
      expect(logged()).toEqual(expect.arrayContaining(['closed', 'end']));
      expect(readFileSync(logPath, 'utf8')).not.toContain('Error:');
    });

    test('nothing is lost for a slow reader, nor in the log', async () => {
      await begin('read go; seq 100000', { stdin: true });
      const streams = attach();
      streams.stdin?.write('go\n');
      await new Promise((resolve) => streams.stdout.once('readable', resolve));
      const lines = (await text(streams.stdout)).trimEnd().split('\n');
      expect([lines.length, lines.at(-1)]).toEqual([100_000, '100000']);
      await container.exited;
      expect(logged()).toHaveLength(100_000);
    });

    test('a client that reads nothing holds up neither the end nor the log', async () => {
      await begin('read go; seq 15000; echo last', { stdin: true });
      attach(false).stdout.pause();
      const streams = attach();
      streams.stdin?.write('go\n');
      streams.stdout.resume();
      expect((await container.exited).exitCode).toBe(0);
      expect(logged().at(-1)).toBe('last');
    });

    test('a container at a terminal takes input, a size, and an interrupt', async () => {
      await begin('test -t 0 && echo terminal; while read line; do stty size; done', { stdin: true, tty: true });
      const streams = attach();
      expect(streams.stderr).toBeUndefined();
      const output = seen(streams);
      streams.resize({ columns: 99, rows: 11 });
      await eventually('the size is shown', async () => {
        streams.stdin?.write('\n');
        expect(output()).toContain('11 99');
      });
      streams.stdin?.write('\x03');
      expect((await container.exited).exitCode).toBe(130);
      expect(logged()).toContain('terminal\r');
    });

    test('no input where none is declared', async () => {
      await begin('cat; echo empty', {});
      expect(attach().stdin).toBeUndefined();
      await container.exited;
      expect(logged()).toEqual(['empty']);
    });
  });
}
