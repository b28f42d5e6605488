// What strategies and admission may use of the server, bound to one request's user.
// Knows how to look objects up; nothing of HTTP.
import type { ServerContext } from '../context.ts';
import type { User } from '../http/authn.ts';
import type { StrategyContext } from '../strategies/strategy.ts';

export function strategyContext(server: ServerContext, user: User): StrategyContext {
  const find = (group: string, resource: string) => server.registry.builtin(group, 'v1', resource).collection;
  return {
    clock: server.clock,
    user,
    authorizer: server.authorizer,
    roles: server.roles,
    services: server.services,
    lookup: (group, resource, namespace, name) => find(group, resource).get(namespace, name)?.object,
    list: (group, resource) =>
      find(group, resource)
        .list()
        .map((item) => item.object),
  };
}
