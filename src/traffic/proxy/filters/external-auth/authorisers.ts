// The questions that a worker has open with authorisation services: how many there may be, and whom each one asks.
// Knows nothing of what is asked.

import { Admission } from '../../guards/admission.ts';
import { EndpointChoice } from '../../upstream/endpoint-choice.ts';
import type { FilterExchange } from '../filter.ts';
import { AuthQuestion } from './auth-question.ts';
import type { AuthDialect, Verdict } from './dialect.ts';

/** Of one worker at a time: a service that does not answer must not fill the memory. */
const MAX_OPEN = 1024;

const unclear: Verdict = { type: 'unclear' };

export class Authorisers {
  readonly #open = new Set<AuthQuestion>();

  /** `tell` is called once, perhaps before this returns: with the verdict, or with none that can be acted on. */
  ask(
    x: FilterExchange,
    clusterName: string,
    dialect: AuthDialect,
    tell: (verdict: Verdict) => void,
  ): AuthQuestion | undefined {
    const { context } = x;
    const refuse = (outcome: string): undefined => {
      context.stats.authorised(clusterName, outcome);
      tell(unclear);
    };
    const cluster = context.snapshot.cluster(clusterName);
    if (cluster === undefined) return refuse('no_endpoint');
    if (this.#open.size >= MAX_OPEN) return refuse('overflow');
    const admission = new Admission(context.guards, context.stats);
    if (!admission.enter(cluster.config)) return refuse('overflow');
    const question = new AuthQuestion(x, cluster, dialect, (verdict) => {
      this.#open.delete(question);
      admission.leave();
      if (verdict !== undefined) tell(verdict);
    });
    this.#open.add(question);
    question.begin(choiceFor(x));
    return question;
  }

  /** Gives up what is open; whoever waits is about to be closed too. */
  close(): void {
    for (const question of this.#open) question.cancel();
  }
}

function choiceFor({ facts }: FilterExchange): EndpointChoice {
  const choice = new EndpointChoice();
  choice.begin(facts.address, '');
  return choice;
}
