// What of a virtual host can still be looked at when a part of it is wrong: a mistake in one route must not hide the
// cluster that another route names wrongly. Never served; knows no message.
import { isRecord } from './schema/kit.ts';

/** Stands in for a route that is wrong, so that the others keep their places. */
const STAND_IN = { action: { type: 'respond', status: 200 } };

/** `paths` lead from the virtual host to what is wrong in it. */
export function salvageHost(
  value: unknown,
  paths: ReadonlyArray<ReadonlyArray<string | number>>,
  name: string,
): unknown {
  if (!isRecord(value) || !Array.isArray(value.routes)) return undefined;
  const host: Record<string, unknown> = { routes: [...value.routes] };
  // A hostname that nobody else has: whether this one clashes is not known.
  host.hostname = `${Buffer.from(name).toString('hex').slice(0, 60)}.invalid`;
  for (const [part, place] of paths) {
    if (part === 'routes' && typeof place === 'number') (host.routes as unknown[])[place] = STAND_IN;
  }
  return host;
}
