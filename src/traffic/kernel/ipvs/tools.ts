// Several programs by one shell: what each prints, and the first complaint as a sentence.
// Knows none of them, but what tells whether IPVS can be used.
import { programsIn, type RunProgram } from '../programs.ts';

/** One program of several that are run one after the other. */
export interface Step {
  readonly program: string;
  readonly args: readonly string[];
  readonly input?: string;
  /** Tells of what is no failure as well: only its exit code counts. */
  readonly talks?: boolean;
}

const BETWEEN = '--- evenkeel ---';

/**
 * What each printed. Starting a program costs more than most of them take, and most of that is ours: one shell starts
 * them all. Some of them tell of a refused line and end well all the same, so that any complaint counts: rejects with the
 * first; what comes after it is not done.
 */
export async function mustRunAll(run: RunProgram, steps: readonly Step[]): Promise<readonly string[]> {
  if (steps.length === 0) return [];
  const { stdout, stderr, code } = await run('sh', [], stepsScript(steps));
  if (code === 0 && stderr === '') return stdout.split(`${BETWEEN}\n`).slice(0, steps.length);
  const said = stderr.trim().split('\n').slice(0, 3).join('; ').slice(0, 600);
  throw new Error(said === '' ? `sh failed: exit code ${code}` : said);
}

/** For a shell that reads it as its input. */
export function stepsScript(steps: readonly Step[]): string {
  const texts = steps.map(({ program, args, input, talks = false }) => {
    const words = [program, ...args].map(quoted).join(' ');
    const [from, text] = input === undefined ? ['</dev/null', ''] : [`<<'${BETWEEN}'`, `${ended(input)}${BETWEEN}\n`];
    return `said=$(${words} 2>&1 >&3 ${from}
${text}); code=$?
[ $code = 0 ]${talks ? '' : ' && [ -z "$said" ]'} || {
  printf '%s failed: %s\\n' ${quoted([program, ...args].join(' '))} "\${said:-exit code $code}" >&2; exit 1
}
echo '${BETWEEN}' >&3
`;
  });
  return `exec 3>&1\n${texts.join('')}`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** Why IPVS cannot be used here, as a sentence; undefined where it can. */
export async function ipvsObstacle(netns?: string): Promise<string | undefined> {
  const run = programsIn(netns);
  try {
    const { code, stderr } = await run('ipvsadm', ['-Ln']);
    if (code !== 0) return `this kernel has no IPVS, or it may not be changed (${stderr.trim().split('\n')[0]})`;
    await run('ipset', ['--version']);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
