// The guest: it boots, says what its command says, ends with it, and leaves nothing of itself.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { kernelAllows } from '../kernel.ts';
import { start } from '../run.ts';
import { tempDir } from '../temp-dir.ts';
import { mustRunInGuest, runInGuest } from './guest.ts';
import { initScript, quoted } from './init-script.ts';
import { guestObstacle } from './obstacle.ts';

const PATIENCE = { timeout: 240_000 };

/** Processes of user-mode Linux whose command line has `word` in it. */
function machines(word: string): string[] {
  return readdirSync('/proc').filter((entry) => {
    try {
      const line = /^\d+$/.test(entry) ? readFileSync(`/proc/${entry}/cmdline`, 'latin1') : '';
      return line.includes('rootfstype=hostfs') && line.includes(word);
    } catch {
      return false;
    }
  });
}

test('words reach the shell as they are', () => {
  expect(["a'b", 'a b', '$HOME', 'x=1', ''].map(quoted)).toEqual([`'a'\\''b'`, `'a b'`, `'$HOME'`, 'x=1', `''`]);
  const script = initScript({ command: ['echo', '`id`'], cwd: '/a b', env: { WORD: '"' }, modules: [], scratchMb: 9 });
  expect(script).toContain(`exec env -i HOME=/root TMPDIR=/scratch/tmp 'WORD="' echo '\`id\`'\n`);
  expect(script).toContain(`cd '/a b' ||`);
});

describe.runIf(kernelAllows(guestObstacle('ipvsadm', 'ipset'), 'guests by user-mode Linux'))('a guest', () => {
  test('gives back output, errors and exit code, as they come', PATIENCE, async () => {
    let heard = '';
    const { code, stdout, stderr } = await runInGuest(['sh', '-c', 'echo one; echo "$WORD" >&2; exit 7'], {
      env: { WORD: `it's "$HOME"` },
      onStdout: (text) => {
        heard += text;
      },
    });
    expect({ code, stdout, stderr, heard }).toEqual({
      code: 7,
      stdout: 'one\n',
      stderr: `it's "$HOME"\n`,
      heard: 'one\n',
    });
  });

  test('loses nothing of much output, and is not held up by what stays in the background', PATIENCE, async () => {
    const lines = 20_000;
    const { code, stdout } = await runInGuest(['sh', '-c', `seq ${lines}; sleep 1000 & exit 0`]);
    expect(code).toBe(0);
    expect(stdout).toBe(Array.from({ length: lines }, (_, at) => `${at + 1}\n`).join(''));
  });

  test('has control groups, IPVS, ipset and dummy devices, and the Node.js of the repository', PATIENCE, async () => {
    const said = await mustRunInGuest(
      [
        'sh',
        '-ec',
        `cat /sys/fs/cgroup/cgroup.controllers
         ip link add keel0 type dummy
         ipvsadm -A -t 10.96.0.1:80 -s rr
         ipvsadm -S -n
         ipset create keel hash:ip,port
         ipset list -n
         node -p process.version`,
      ],
      { modules: ['dummy', 'ip_vs'] },
    );
    expect(said.split('\n')).toEqual(['cpu io memory pids', '-A -t 10.96.0.1:80 -s rr', 'keel', process.version, '']);
  });

  test('keeps what it writes to itself', PATIENCE, async () => {
    const file = fileURLToPath(new URL('written-by-guest', import.meta.url));
    const script = `echo gone >${quoted(file)} && cat ${quoted(file)} && echo gone >/etc/evenkeel-guest && ls /.host`;
    const { code, stdout } = await runInGuest(['sh', '-c', script]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: 'gone\n' });
    expect([file, '/etc/evenkeel-guest'].filter(existsSync)).toEqual([]);
  });

  test('is ended when its time is over', PATIENCE, async () => {
    expect(await runInGuest(['sleep', '1000'], { timeoutMs: 3000 })).toMatchObject({ code: undefined, timedOut: true });
    await expect(mustRunInGuest(['false'])).rejects.toThrow('In the guest, false exited with 1');
  });

  test('says what its kernel said when it does not get so far', PATIENCE, async () => {
    const { code, timedOut, stderr } = await runInGuest(['true'], { modules: ['no_such_module'] });
    expect({ code, timedOut }).toEqual({ code: 125, timedOut: false });
    expect(stderr).toContain('no_such_module');
    const crash = await runInGuest(['sh', '-c', 'echo c >/proc/sysrq-trigger']);
    expect(crash.code).toBeUndefined();
    expect(crash.console).toContain('Kernel panic');
  });

  test('goes with whoever started it, however that ends', PATIENCE, async () => {
    const own = tempDir('starter');
    const program = `import { runInGuest } from ${JSON.stringify(new URL('guest.ts', import.meta.url).href)};
      const onStdout = (text) => process.stdout.write(text);
      await runInGuest(['sh', '-c', 'echo up; exec sleep 1000'], { onStdout });`;
    const env = { TMPDIR: own.path };
    const starter = start(process.execPath, ['--input-type=module', '-e', program], { env });
    try {
      await eventually('the guest is up', () => expect(starter.output().stdout).toBe('up\n'), 60_000);
      expect(machines(own.path).length).toBeGreaterThan(0);
      starter.child.kill('SIGKILL');
      await eventually('nothing of the guest is left', () => {
        expect([...machines(own.path), ...readdirSync(own.path)]).toEqual([]);
      });
    } finally {
      starter.child.kill('SIGKILL');
      own.remove();
    }
  });
});
