// The programs that the driver works with, run in its network namespace: text goes in, text comes out.
// Knows none of them; a refusal becomes a sentence.
import { spawn } from 'node:child_process';

/** Longer than any change takes. */
const TIMEOUT_MS = 60_000;

export type RunTool = (program: string, args: readonly string[], input?: string) => Promise<ToolResult>;

export interface ToolResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** `netns`: path of the network namespace to work in. Rejects only where the program cannot be started. */
export function toolsIn(netns: string | undefined): RunTool {
  return (program, args, input = '') =>
    new Promise((resolve, reject) => {
      const [file = '', ...rest] = [
        ...(netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--']),
        program,
        ...args,
      ];
      const child = spawn(file, rest, { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
      const out: Buffer[] = [];
      let stderr = '';
      child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
      child.stderr.on('data', (bytes: Buffer) => {
        if (stderr.length < 4_096) stderr += bytes.toString();
      });
      child.stdin.on('error', () => {});
      child.on('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'ENOENT' ? new Error(`${program} is not installed`) : error);
      });
      child.on('close', (code) => resolve({ stdout: Buffer.concat(out).toString(), stderr, code }));
      child.stdin.end(input);
    });
}

/** Some of these programs tell of a refused line and end well all the same: any complaint counts. */
export async function mustRun(run: RunTool, program: string, args: readonly string[], input?: string): Promise<string> {
  const { stdout, stderr, code } = await run(program, args, input);
  if (code === 0 && stderr.trim() === '') return stdout;
  const said = stderr.trim().split('\n').slice(0, 3).join('; ').slice(0, 600);
  throw new Error(`${program} ${args.join(' ')} failed: ${said === '' ? `exit code ${code}` : said}`);
}

/** Why IPVS cannot be used here, as a sentence; undefined where it can. */
export async function ipvsObstacle(netns?: string): Promise<string | undefined> {
  const run = toolsIn(netns);
  try {
    const { code, stderr } = await run('ipvsadm', ['-Ln']);
    if (code !== 0) return `this kernel has no IPVS, or it may not be changed (${stderr.trim().split('\n')[0]})`;
    await run('ipset', ['--version']);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
