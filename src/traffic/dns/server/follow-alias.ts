// Where an alias of the cluster leads: its target's answer stands behind it, because clients do not ask for it themselves.
// Knows the zone and the forwarder as two that have answers.
import type { Ask } from '../forward/ask.ts';
import type { Resolved } from '../forward/cache.ts';
import type { Forwarder } from '../forward/forwarder.ts';
import type { AnswerSource } from '../metrics.ts';
import { rcodes } from '../wire/message.ts';
import type { ClusterZone } from '../zone/cluster-zone.ts';

export interface Outcome extends Resolved {
  readonly source: AnswerSource;
  readonly authoritative: boolean;
}

/** Aliases that lead to aliases; people can make circles of them. */
const MAX_STEPS = 8;

export async function followAlias(
  first: Outcome,
  target: string,
  ask: Ask,
  zone: ClusterZone,
  forwarder: Forwarder,
): Promise<Outcome> {
  const answers = [...first.answers];
  let name = target;
  for (let step = 0; step < MAX_STEPS; step++) {
    const question = { ...ask.question, name };
    const own = zone.answer(question);
    if (own === undefined) {
      const { rcode, answers: rest, authorities } = await forwarder.resolve({ ...ask, question });
      return { ...first, rcode, answers: [...answers, ...rest], authorities };
    }
    answers.push(...own.answers);
    if (own.alias === undefined) return { ...first, rcode: own.rcode, answers, authorities: own.authorities };
    name = own.alias;
  }
  return { ...first, rcode: rcodes.SERVFAIL, answers: [] };
}
