// A node that makes groups until somebody kills it.
// Knows its data directory, how many groups it makes, and whether a program runs in the first, from the command line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '#lib/clock.ts';
import { joinSteps } from '../../process/enter.ts';
import { openCgroups } from '../open.ts';

const [dataDir = '', count = '1', program] = process.argv.slice(2);
setInterval(() => {}, 1_000);
const groups = await openCgroups({ dataDir, nodeName: 'n1', clock: systemClock });
for (let at = 0; at < Number(count); at += 1) {
  const group = groups?.container(`p${at}`, 'main', { cpuShares: 2 }, { cpuShares: 2, pids: 64 });
  if (at === 0) {
    if (program !== undefined) {
      const script = `${joinSteps(group?.join ?? [])}\necho ready; exec ${program}`;
      const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
      await once(child.stdout, 'data');
      console.log(child.pid);
    } else console.log('ready');
  }
}
