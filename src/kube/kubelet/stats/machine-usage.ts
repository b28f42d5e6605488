// What a whole Linux machine uses: CPU time since it was started, and memory that is not free to take.
// Only reads /proc.
import { readFileSync } from 'node:fs';

/** Kernel's clock ticks are hundredths of a second, whatever its own timer is. */
const NANOS_PER_TICK = 10_000_000;

/** `undefined` where there is no /proc. */
export function machineUsage(): { cpuNanos: number; workingSetBytes: number } | undefined {
  try {
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
      /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
    )
      .split(' ')
      .map(Number);
    const memory = readFileSync('/proc/meminfo', 'utf8');
    const kibibytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(memory)?.[1] ?? 0);
    return {
      cpuNanos: (user + nice + system + irq + softirq) * NANOS_PER_TICK,
      workingSetBytes: (kibibytes('MemTotal') - kibibytes('MemAvailable')) * 1024,
    };
  } catch {
    // Another system: nothing to tell of the machine.
    return undefined;
  }
}
