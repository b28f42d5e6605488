// Explains a request from a configuration file alone: the tables that the engine would build, without an engine.
// Knows no admin page.
import { systemClock } from '#lib/clock.ts';
import type { TrafficModel } from '#traffic/model/ir.ts';
import { explain, explainNowhere } from '#traffic/proxy/explain/explain.ts';
import type { Explanation, Question } from '#traffic/proxy/explain/explanation.ts';
import { findArrival } from '#traffic/proxy/explain/find-listener.ts';
import { defaultLimits, type HttpLimits } from '#traffic/proxy/http1/limits.ts';
import { createSnapshotBuilder } from '#traffic/snapshot/index.ts';

/** `limits` are those that the file sets. */
export function explainModel(model: TrafficModel, question: Question, limits: Partial<HttpLimits> = {}): Explanation {
  const arrival = findArrival(question, model, [...model.listeners.values()]);
  if (arrival.type === 'none') return explainNowhere(question, arrival.summary, arrival.remedy);
  // Nothing is in flight where nothing runs.
  const counters = { slot: () => 0, inFlight: () => 0, release: () => {} };
  const snapshot = createSnapshotBuilder({ random: Math.random, counters }).apply({ version: 1, ...model });
  return explain(question, arrival, {
    snapshot,
    limits: { ...defaultLimits, ...limits },
    now: systemClock.now(),
    atRest: true,
    // Who is trusted is told on the command line of a gateway, not in its file.
    isTrusted: () => false,
  });
}
