// Mutating admission in its order: this server's own plugins, policies, webhooks; and all of them once more where that is due.
// Knows the order and the two rounds; what each does is in its folder. Upstream source: admission/reinvocation.go.
import type { ServerContext } from '../context.ts';
import { type AnyObject, mutableCopy } from '../registry/any-object.ts';
import type { AdmissionAttributes } from './attributes.ts';
import { keptMetadata } from './kept-metadata.ts';
import { boundPolicies } from './policy/bound.ts';
import { mutateByPolicies } from './policy/mutating.ts';
import { Reinvocation } from './reinvocation.ts';
import { hooksFor } from './webhook/hooks.ts';
import { mutateByWebhooks } from './webhook/run.ts';

/**
 * A copy of the object as policies and webhooks change it; undefined where nobody is asked or nothing changes. `own` are
 * the plugins of this server, which have run once already and change the object in place. Rejects with `StatusError`.
 */
export function mutateObject(
  server: ServerContext,
  attributes: AdmissionAttributes,
  own: (object: AnyObject) => void,
): Promise<AnyObject | undefined> | undefined {
  const bound = boundPolicies(server, attributes, 'mutating');
  const hooks = hooksFor(server, 'mutating');
  return bound.length === 0 && hooks.length === 0 ? undefined : inRounds(server, attributes, own, { bound, hooks });
}

async function inRounds(
  server: ServerContext,
  attributes: AdmissionAttributes,
  own: (object: AnyObject) => void,
  { bound, hooks }: { bound: ReturnType<typeof boundPolicies>; hooks: ReturnType<typeof hooksFor> },
): Promise<AnyObject | undefined> {
  const rounds = new Reinvocation();
  let now = attributes;
  const follow = (object: AnyObject | undefined): void => {
    if (object === now.object || object === undefined) return;
    const { metadata } = attributes.object ?? {};
    now = { ...now, object: { ...object, metadata: keptMetadata(object.metadata, metadata) } };
  };
  const round = async (): Promise<void> => {
    follow(await mutateByPolicies(server, now, bound, rounds));
    follow(await mutateByWebhooks(server, now, hooks, rounds));
  };
  await round();
  if (rounds.needed) {
    rounds.begin();
    if (now.object !== undefined) {
      const object = mutableCopy(now.object);
      own(object);
      now = { ...now, object };
    }
    // Once more, and no further: upstream gives no promise beyond that either.
    await round();
  }
  return now.object === attributes.object ? undefined : now.object;
}
