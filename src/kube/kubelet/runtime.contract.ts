// What every runtime has to keep: run by the tests of each, with a shell as the image.
// Knows runtimes by their interface only.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { Image } from './image/image-service.ts';
import {
  type ContainerSpec,
  ContainerStartError,
  type ExecOptions,
  type Isolation,
  type OpenStreams,
  type Runtime,
} from './runtime.ts';

export interface Subject {
  readonly runtime: Runtime;
  /** One with `sh` in it. */
  readonly image: Image;
  /** A working directory that exists for the container. */
  readonly workingDir: string;
  /** How far apart containers are to be from the machine. */
  readonly isolation?: Isolation;
  /** File of the network namespace of the pods; the machine's own when left out. */
  readonly netns?: string;
  /** Whether containers can be other users than we are. */
  readonly rights?: true;
  /** Whether mounts stand at their paths. */
  readonly mounts: boolean;
}

/** Lines of output without their times: `stdout F hello`. */
function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').slice(1).join(' '));
}

export function runtimeContract(make: (dir: string) => Promise<Subject>): void {
  let dir: string;
  let subject: Subject;
  let started = 0;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'evenkeel-runtime-'));
    subject = await make(dir);
  }, 60_000);
  afterAll(async () => {
    await subject?.runtime.sweep();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  function spec(script: string, rest: Partial<ContainerSpec> = {}): ContainerSpec {
    started += 1;
    return {
      podUid: `uid-${started}`,
      podName: 'pod',
      namespace: 'default',
      name: 'main',
      sandbox: {
        hostname: 'pod',
        podIps: [],
        ...(subject.isolation === undefined ? {} : { isolation: subject.isolation }),
        ...(subject.netns === undefined ? {} : { netns: subject.netns }),
      },
      image: subject.image,
      command: ['sh', '-c', script],
      workingDir: subject.workingDir,
      env: { PATH: process.env.PATH ?? '/bin', WORD: 'hello' },
      mounts: [],
      logPath: join(dir, 'logs', `${started}.log`),
      limits: { cpuShares: 2 },
      podLimits: { cpuShares: 2 },
      oomScoreAdj: 0,
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

  test('output of both kinds is in the log when the end is told, with the exit code', async () => {
    const given = spec('echo "$WORD out"; echo err >&2; exit 7');
    const running = await subject.runtime.start(given);
    expect(await running.exited).toMatchObject({ exitCode: 7 });
    expect(linesOf(given.logPath).sort()).toEqual(['stderr F err', 'stdout F hello out']);
    expect(running.id).toMatch(/^[0-9a-f]{64}$/);
  }, 30_000);

  test('a command has open streams, a terminal where it is asked for, and an exit code', async () => {
    const running = await subject.runtime.start(spec('while :; do sleep 0.05; done'));
    const open = async (options: Partial<ExecOptions>): Promise<OpenStreams> => {
      if (running.open === undefined) throw new Error('This runtime opens no streams');
      return await running.open({ command: ['sh'], stdin: true, tty: false, ...options });
    };
    const piped = await open({ command: ['sh', '-c', 'cat; echo bad >&2; exit 3'] });
    const outputs = [piped.stdout, piped.stderr].map((stream) => (stream === undefined ? '' : text(stream)));
    piped.stdin?.end('x'.repeat(200_000));
    expect(await Promise.all([...outputs, piped.exited])).toEqual(['x'.repeat(200_000), 'bad\n', { exitCode: 3 }]);
    const terminal = await open({ tty: true, size: { columns: 90, rows: 30 } });
    const shown = text(terminal.stdout);
    terminal.stdin?.write('[ -t 0 ] && echo a "terminal"; exit 5\n');
    expect(await terminal.exited).toEqual({ exitCode: 5 });
    expect(await shown).toContain('a terminal\r\n');
    expect(terminal.stderr).toBeUndefined();
    running.signal('SIGKILL');
    await running.exited;
  }, 60_000);

  test('SIGTERM reaches the program, and SIGKILL ends one that ignores it', async () => {
    const polite = spec('trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done');
    const running = await subject.runtime.start(polite);
    await eventually('it runs', () => expect(linesOf(polite.logPath)).toContain('stdout F up'));
    running.signal('SIGTERM');
    expect(await running.exited).toMatchObject({ exitCode: 3 });
    expect(linesOf(polite.logPath)).toContain('stdout F bye');

    const given = spec('trap "" TERM; echo up; while :; do sleep 0.05; done');
    const stubborn = await subject.runtime.start(given);
    await eventually('it ignores signals', () => expect(linesOf(given.logPath)).toContain('stdout F up'));
    stubborn.signal('SIGTERM');
    stubborn.signal('SIGKILL');
    expect(await stubborn.exited).toMatchObject({ exitCode: 137, signal: 9 });
    stubborn.signal('SIGKILL');
  }, 30_000);

  test('commands run beside the program, with its environment, and are ended when they take too long', async () => {
    const running = await subject.runtime.start(spec('while :; do sleep 0.05; done'));
    expect(await running.exec(['sh', '-c', 'echo "$WORD"; echo e >&2; exit 4'], 20_000)).toMatchObject({
      exitCode: 4,
      output: expect.stringMatching(/hello\n/),
      timedOut: false,
    });
    expect((await running.exec(['no-such-program'], 20_000)).exitCode).not.toBe(0);
    expect(await running.exec(['sh', '-c', 'while :; do sleep 0.05; done'], 300)).toMatchObject({ timedOut: true });
    running.signal('SIGKILL');
    await running.exited;
  }, 60_000);

  test('tells what it uses while it runs', async () => {
    const running = await subject.runtime.start(spec('i=0; while :; do i=$((i+1)); done'));
    await eventually('CPU time has been used', async () => {
      const stats = await running.stats();
      expect(stats?.cpuNanos).toBeGreaterThan(1_000_000);
      expect(stats?.workingSetBytes ?? 0).toBeGreaterThan(0);
    });
    running.signal('SIGKILL');
    await running.exited;
    expect(await running.stats()).toBeUndefined();
  }, 30_000);

  test('mounts are where they were asked for, and read only where that was asked for', async () => {
    if (!subject.mounts) return;
    const source = join(dir, 'volume');
    mkdirSync(source);
    writeFileSync(join(source, 'note'), 'inside\n');
    const mounts = [
      { volume: 'rw', source, mountPath: '/data/rw', readOnly: false },
      { volume: 'ro', source, mountPath: '/data/ro', readOnly: true },
    ];
    const given = spec('cat /data/ro/note; echo new > /data/rw/made; echo x > /data/ro/note || echo refused', {
      mounts,
    });
    const running = await subject.runtime.start(given);
    expect(await running.exited).toMatchObject({ exitCode: 0 });
    expect(linesOf(given.logPath)).toEqual(expect.arrayContaining(['stdout F inside', 'stdout F refused']));
    expect(readFileSync(join(source, 'made'), 'utf8')).toBe('new\n');
  }, 30_000);

  test('user, capabilities and a read-only root are as asked for', async () => {
    if (!subject.mounts || !subject.rights) return;
    const given = spec(
      'while read -r key rest; do case $key in Uid: | CapBnd: | NoNewPrivs:) set -- $rest; echo $key $1;; esac; done < /proc/self/status;' +
        'echo x 2> /dev/null > /made || echo refused',
      {
        security: {
          user: 4711,
          group: 4712,
          groups: [4713],
          groupsOfImage: true,
          privileged: false,
          capabilities: ['CHOWN'],
          noNewPrivileges: true,
          readOnlyRoot: true,
          unmaskedProc: false,
        },
      },
    );
    await (await subject.runtime.start(given)).exited;
    expect(linesOf(given.logPath)).toEqual([
      'stdout F Uid: 4711',
      'stdout F CapBnd: 0000000000000001',
      'stdout F NoNewPrivs: 1',
      'stdout F refused',
    ]);
  }, 30_000);

  test('a container that is to see another one sees its processes', async () => {
    const seen = spec(': the one to see; while :; do sleep 0.05; done');
    const running = await subject.runtime.start(seen);
    const given = spec('cat /proc/[0-9]*/cmdline', { sees: running.id, podUid: seen.podUid });
    await (await subject.runtime.start(given)).exited;
    expect(readFileSync(given.logPath, 'utf8')).toContain('the one to see');
    running.signal('SIGKILL');
    await running.exited;
  }, 30_000);

  test('a container is in the network of its pod, under the name of its pod', async () => {
    if (subject.netns === undefined) return;
    const given = spec('ls -l /proc/self/ns/net; cat /proc/sys/kernel/hostname');
    await (await subject.runtime.start(given)).exited;
    const lines = linesOf(given.logPath).join('\n');
    expect(lines).toContain(`net:[${statSync(subject.netns).ino}]`);
    expect(lines).toContain('stdout F pod');
    await subject.runtime.releasePod?.(given.podUid);
  }, 30_000);

  test('the log can be followed while it is written', async () => {
    const given = spec('for i in 1 2 3; do echo $i; sleep 0.1; done');
    const running = await subject.runtime.start(given);
    const seen: string[] = [];
    const tail = subject.runtime.follow(given.logPath, (line) => seen.push(line));
    await running.exited;
    await tail?.ended;
    expect(seen.join('')).toContain(' 3\n');
    expect(subject.runtime.follow(given.logPath, () => {})).toBeUndefined();
  }, 30_000);

  test('a program that does not exist is a start that failed, and its name is told', async () => {
    await expect(subject.runtime.start(spec('', { command: ['/no/such/program'] }))).rejects.toThrow(
      /no\/such\/program/,
    );
    await expect(subject.runtime.start(spec('', { command: ['/no/such/program'] }))).rejects.toBeInstanceOf(
      ContainerStartError,
    );
  }, 30_000);

  test('what a crash leaves running is found and ended by the next sweep', async () => {
    const running = await subject.runtime.start(spec('while :; do sleep 0.05; done'));
    expect(await subject.runtime.sweep()).toBeGreaterThan(0);
    await running.exited;
  }, 30_000);
}
