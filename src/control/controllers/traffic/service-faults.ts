// Services whose addresses could not be listened at, as problems that their owners are told of.
// Pure; knows no engine.
import type { Problem } from '#traffic/model/problem.ts';

/** `errors` by the names of Service ports, `namespace/service:port`, among others that are no Service's. */
export function serviceFaults(
  errors: ReadonlyMap<string, Error>,
  isService: (key: string) => boolean,
): readonly Problem[] {
  return [...errors].flatMap(([name, { message }]) => {
    const key = name.slice(0, Math.max(0, name.lastIndexOf(':')));
    return isService(key) ? [{ kind: 'Service', key, reason: 'FailedToListen', field: '', message } as const] : [];
  });
}
