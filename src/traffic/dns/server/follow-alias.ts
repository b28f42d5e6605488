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

/**
 * The answer for the first of `names` that exists, behind an alias from the name asked to it: what a client with that
 * search path would find after asking for one after the other. `nothing` when none exists, or somebody did not answer.
 */
export async function search(
  nothing: Outcome,
  names: readonly string[],
  ask: Ask,
  zone: ClusterZone,
  forwarder: Forwarder,
): Promise<Outcome> {
  const first = { ...nothing, rcode: rcodes.NOERROR, answers: [], authorities: [], additionals: [] };
  for (const name of names) {
    const question = { ...ask.question, name };
    const own = zone.answer(question);
    const { rcode, answers, authorities } = own ?? (await forwarder.resolve({ ...ask, question }));
    if (rcode === rcodes.NXDOMAIN) continue;
    if (rcode !== rcodes.NOERROR) return nothing;
    const alias = zone.alias(ask.question.name, name);
    const found = { ...first, answers: [alias, ...answers], authorities };
    return own?.alias === undefined ? found : followAlias(found, own.alias, ask, zone, forwarder);
  }
  return nothing;
}
