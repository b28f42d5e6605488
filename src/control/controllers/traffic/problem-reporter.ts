// Tells each problem as a log line, once, and as a Warning event on its object, which is renewed before it expires.
// Knows nothing of how problems come about.
import type { KubeObject } from '#kube/api/object.ts';
import type { EventRecorder } from '#kube/client/events.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Problem } from '#traffic/model/problem.ts';

export interface ProblemReporter {
  /** All problems that there are now; what is not among them is solved, and is told again should it come back. */
  report(problems: readonly Problem[]): void;
  stop(): void;
}

/** An API server keeps an event for an hour after it was written last. */
const RENEW_MS = 30 * 60_000;

export function createProblemReporter(
  find: (kind: Problem['kind'], key: string) => KubeObject | undefined,
  events: EventRecorder,
  log: Logger,
  clock: Pick<Clock, 'after'>,
): ProblemReporter {
  let told = new Map<string, Problem>();
  let renewal: Cancel | undefined;
  const tell = ({ kind, key, reason, field, message }: Problem): void => {
    const object = find(kind, key);
    if (object !== undefined) events.event(object, 'Warning', reason, field === '' ? message : `${field}: ${message}`);
  };
  const renew = (): void => {
    renewal = told.size === 0 ? undefined : clock.after(RENEW_MS, renew);
    for (const problem of told.values()) tell(problem);
  };
  return {
    report(problems) {
      const now = new Map<string, Problem>();
      for (const problem of problems) {
        const { kind, key, reason, field, message } = problem;
        const id = JSON.stringify([kind, key, reason, field, message]);
        now.set(id, problem);
        if (told.has(id)) continue;
        log.warn({ kind, key, reason, field }, message);
        tell(problem);
      }
      told = now;
      if (told.size > 0) renewal ??= clock.after(RENEW_MS, renew);
    },
    stop: () => renewal?.(),
  };
}
