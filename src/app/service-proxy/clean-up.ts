// `evenkeel service-proxy --cleanup`: removes what earlier proxies left in the kernel, and says of each driver what it found.
// Knows no kernel; drivers.ts does.
import { Failure } from '../failure.ts';
import { clearLeft, type Mode } from './drivers.ts';
import { holdNamespace } from './one-proxy.ts';

interface CleanUpDependencies {
  /** A problem that costs nothing but speed or a feature. */
  readonly warn: (message: string) => void;
  /** Lines for people. */
  readonly tell: (line: string) => void;
}

/** Throws a `Failure` where it may not, or where a proxy works that the rules belong to. */
export async function cleanUp(mode: Mode, { warn, tell }: CleanUpDependencies): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Failure('Rules in the kernel can be removed by root alone', 'Run it as root (CAP_NET_ADMIN)');
  }
  const letGo = await holdNamespace('for --cleanup', 'End it: it takes its rules with it, unless it has --keep-rules');
  try {
    for (const { driver, outcome } of await clearLeft(mode === 'auto' ? {} : { only: mode }, { warn })) {
      if (outcome === 'removed') tell(`Driver ${driver}: what it had left is removed`);
      else if (outcome === 'nothing') tell(`Driver ${driver}: it had left nothing`);
      else tell(`Driver ${driver}: it cannot be asked here (${outcome.obstacle})`);
    }
  } finally {
    letGo();
  }
}
