// What this process may hand on at most, which is what an engine on the same machine can be asked for.
// Reads /proc; knows no container.
import { readFileSync } from 'node:fs';
import type { DescribeOptions } from './dialect.ts';

const MAX_PROCESSES = 16_384;
/** Bit of a capability set, from linux/capability.h. */
const CAP_SYS_RESOURCE = 24n;
const OOM_SCORE_MIN = -1000;

export function ownLimits(): Pick<DescribeOptions, 'ulimits' | 'oomScoreMin'> {
  return { ulimits: ulimits(), oomScoreMin: oomScoreMin() };
}

function ulimits(): DescribeOptions['ulimits'] {
  const text = readFileSync('/proc/self/limits', 'utf8');
  const hard = (title: string): number | undefined => {
    const [, value] = new RegExp(`^${title} +\\S+ +(\\d+)`, 'm').exec(text) ?? [];
    return value === undefined ? undefined : Number(value);
  };
  const found: DescribeOptions['ulimits'][number][] = [];
  const [files, processes] = [hard('Max open files'), hard('Max processes')];
  if (files !== undefined) found.push({ name: 'nofile', max: files });
  // Engines lower their own, so what we may have is more than they can hand on.
  if (processes !== undefined) found.push({ name: 'nproc', max: Math.min(processes, MAX_PROCESSES) });
  return found;
}

/** Without the right to, nobody may be less in the kernel's way than we are. */
function oomScoreMin(): number {
  const [, capabilities = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  const mayLower = ((BigInt(`0x${capabilities}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
  return mayLower ? OOM_SCORE_MIN : Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
}
