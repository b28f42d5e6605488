// A reporter that ends a run with the test files that took longest, so that a slow one is seen before it is one of many.
// Knows nothing of what was tested.
import type { Reporter, TestModule } from 'vitest/node';

const TOLD = 20;
/** A run of few files says enough by itself. */
const MANY = 100;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(0).padStart(5)} s`;

export class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.length < MANY) return;
    const times = modules
      .map((module) => {
        const { duration, collectDuration, setupDuration, environmentSetupDuration, prepareDuration } =
          module.diagnostic();
        const total = duration + collectDuration + setupDuration + environmentSetupDuration + prepareDuration;
        return { name: module.relativeModuleId, total };
      })
      .toSorted((one, other) => other.total - one.total);
    const all = times.reduce((sum, { total }) => sum + total, 0);
    const lines = times.slice(0, TOLD).map(({ name, total }) => `${seconds(total)}  ${name}`);
    console.error(`\nFiles that took longest, of ${seconds(all).trim()} in all:\n${lines.join('\n')}\n`);
  }
}
