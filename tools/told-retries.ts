// A reporter that ends a run with the tests that passed only when tried again, so that none is lost in a long log.
// Knows nothing of what was tested.
import type { Reporter, TestModule } from 'vitest/node';

export class ToldRetries implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const flaky = modules.flatMap((module) =>
      [...module.children.allTests()]
        .filter((test) => test.diagnostic()?.flaky === true)
        .map((test) => `${module.relativeModuleId}: ${test.fullName}`),
    );
    if (flaky.length === 0) return;
    console.error(
      `\nPassed only when tried again, and to be mended:\n${flaky.map((name) => `  ${name}`).join('\n')}\n`,
    );
  }
}
