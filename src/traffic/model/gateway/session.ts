// How a client is kept at its backend (GEP-1619), in the words of the traffic model.
// Pure; the name of a cookie that nobody named is made of where it comes from, so that every gateway gives the same.
import type { SessionPersistence } from '#kube/api/gateway/types.ts';
import { hash32 } from '#lib/hash.ts';
import type { AffinityPolicy } from '../ir.ts';
import { durationMs } from './duration.ts';

/** `owner` names the rule: sessions of two rules are not one. */
export function affinityOf(wish: SessionPersistence | undefined, owner: string): AffinityPolicy | undefined {
  if (wish === undefined) return undefined;
  const name = wish.sessionName ?? `evenkeel-${hash32(owner).toString(16)}`;
  if (wish.type === 'Header') return { type: 'header', name: name.toLowerCase() };
  const permanent = wish.cookieConfig?.lifetimeType === 'Permanent';
  const seconds = Math.round((durationMs(wish.absoluteTimeout ?? '') ?? 0) / 1000);
  return { type: 'cookie', name, path: '/', maxAgeSeconds: permanent ? seconds : 0, mode: 'persistent' };
}
