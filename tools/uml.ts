// Runs a command in a guest kernel: `node tools/uml.ts [-m MODULE]... COMMAND [ARGUMENT]...`, with its output and exit code.
// Knows only the harness that tests use as well.
import { parseArgs } from 'node:util';
import { kernelAllows } from '#test/support/kernel.ts';
import { runInGuest } from '#test/support/uml/guest.ts';
import { guestObstacle } from '#test/support/uml/obstacle.ts';

const first = process.argv.findIndex((word, at) => at > 1 && !word.startsWith('-') && process.argv[at - 1] !== '-m');
const command = first === -1 ? [] : process.argv.slice(first);
const { values } = parseArgs({
  args: process.argv.slice(2, first === -1 ? undefined : first),
  options: { module: { type: 'string', short: 'm', multiple: true } },
});

if (command.length === 0) {
  process.stderr.write('Say which command to run: node tools/uml.ts [-m MODULE]... COMMAND [ARGUMENT]...\n');
  process.exitCode = 2;
} else if (kernelAllows(guestObstacle(), `${command.join(' ')} in a guest`)) {
  const { code, timedOut, console } = await runInGuest(command, {
    modules: values.module ?? [],
    timeoutMs: 600_000,
    onStdout: (text) => process.stdout.write(text),
    onStderr: (text) => process.stderr.write(text),
  });
  if (code === undefined) process.stderr.write(`${console}${timedOut ? 'Stopped after 10 minutes.\n' : ''}`);
  process.exitCode = code ?? 1;
}
