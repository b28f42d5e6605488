// What routes do that answer by themselves: redirects and direct responses, made ready at their first request.
// Knows nothing of backends.

import type { Route, WeightedCluster } from '#traffic/model/ir.ts';
import { routeProblems } from '#traffic/model/route-problems.ts';
import { type LocalReply, textReply } from '../http/local-reply.ts';
import type { ClientFacts } from '../http1/compose.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { directResponse } from './direct-response.ts';
import { type Redirector, redirector } from './redirect.ts';

const actions = new WeakMap<Route, Redirector>();

/** The answer of a route that has no backend; undefined when it forwards. */
export function localAction(route: Route, head: RequestHead, client: ClientFacts): LocalReply | undefined {
  if (route.action.type === 'forward') return undefined;
  let action = actions.get(route);
  if (action === undefined) {
    action = compile(route);
    actions.set(route, action);
  }
  return action(head, client);
}

const answers = new WeakMap<WeightedCluster, LocalReply>();

/** The answer that stands for a backend which cannot be used; undefined for one that can. */
export function backendAnswer(backend: WeightedCluster | undefined): LocalReply | undefined {
  if (backend?.answer === undefined) return undefined;
  let reply = answers.get(backend);
  if (reply === undefined) {
    reply = directResponse({ type: 'respond', ...backend.answer });
    answers.set(backend, reply);
  }
  return reply;
}

function compile({ action, path, ...route }: Route): Redirector {
  if (routeProblems({ action, path, ...route }).length > 0) {
    const reply = textReply(500, 'Route has an action that is not valid', 'invalid_filter');
    return () => reply;
  }
  if (action.type === 'redirect') return redirector(action.redirect, path);
  const reply = action.type === 'respond' ? directResponse(action) : textReply(500, 'Route has no answer');
  return () => reply;
}
