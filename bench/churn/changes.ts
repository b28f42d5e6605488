// Changes of a running gateway at a steady pace: endpoints in turn leave and return, routes come and go.
// Every change leaves a way for each request; knows nothing of load.

import type { Route, TrafficUpdate, VirtualHost } from '#traffic/model/ir.ts';
import { cluster, route } from '#traffic/proxy/testing/model.ts';
import type { Backend, Running } from '../lib/contestants/contestant.ts';
import { CATCH_ALL, endpointsOf, publish } from '../lib/contestants/evenkeel.ts';

/** Routes beside the catch-all that are there at a time. */
const ROUTES = 50;

export class Churn {
  /** Changes that are in force. */
  count = 0;
  readonly #timer: NodeJS.Timeout;
  #last: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(gateway: Running, backends: readonly Backend[], everyMs: number) {
    let step = 0;
    this.#timer = setInterval(() => {
      const change = changeOf(step++, backends);
      this.#last = this.#last
        .then(() => publish(gateway, change))
        .then(
          () => {
            this.count++;
          },
          (error: unknown) => {
            this.#failure ??= error;
          },
        );
    }, everyMs);
  }

  /** Rejects when a change could not be made. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Even steps change endpoints, odd ones routes. */
export function changeOf(step: number, backends: readonly Backend[]): Omit<TrafficUpdate, 'version'> {
  if (step % 2 === 0) {
    // One after the other is gone for one change of endpoints, and then two at once.
    const gone = (step / 2) % (backends.length + 1);
    const rest = backends.filter((_, i) => i !== gone && i !== (gone + 3) % backends.length);
    return { endpoints: new Map([[CATCH_ALL, endpointsOf(rest)]]) };
  }
  const first = (step - 1) / 2;
  const names = Array.from({ length: ROUTES }, (_, i) => `test/churn-${first + i}/http`);
  const routes: Route[] = [
    ...names.map((name, i) => route(name, `/churn-${first + i}`)),
    // A route that the load's path matches better than the catch-all, with the same backends, comes and goes.
    ...(first % 2 === 0 ? [route(CATCH_ALL, '/shop')] : []),
    route(CATCH_ALL),
  ];
  const host: VirtualHost = { hostname: '*', wildcard: 'any-labels', routes };
  const left = first === 0 ? [] : [[`test/churn-${first - 1}/http`, undefined] as const];
  const clusters = new Map([...names.map((name) => [name, cluster(name)] as const), ...left]);
  return { virtualHosts: new Map([['*', host]]), clusters };
}
