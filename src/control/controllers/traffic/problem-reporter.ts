// Tells each problem once, as a Warning event on its object and as a log line.
// Knows nothing of how problems come about.
import type { KubeObject } from '#kube/api/object.ts';
import type { EventRecorder } from '#kube/client/events.ts';
import type { Logger } from '#lib/log.ts';
import type { Problem } from '#traffic/model/problem.ts';

export interface ProblemReporter {
  /** All problems that there are now; what is not among them is solved, and is told again should it come back. */
  report(problems: readonly Problem[]): void;
}

export function createProblemReporter(
  find: (kind: Problem['kind'], key: string) => KubeObject | undefined,
  events: EventRecorder,
  log: Logger,
): ProblemReporter {
  let told = new Set<string>();
  return {
    report(problems) {
      const now = new Set<string>();
      for (const problem of problems) {
        const { kind, key, reason, field, message } = problem;
        const id = JSON.stringify([kind, key, reason, field, message]);
        now.add(id);
        if (told.has(id)) continue;
        log.warn({ kind, key, reason, field }, message);
        const object = find(kind, key);
        if (object !== undefined)
          events.event(object, 'Warning', reason, field === '' ? message : `${field}: ${message}`);
      }
      told = now;
    },
  };
}
