// Settings of ip_hash: none.
// Knows nothing of how the policy picks.
import { onlySettings } from '../policy.ts';

export interface IpHashConfig {
  readonly type: 'ip_hash';
}

export function parseIpHash(settings: Readonly<Record<string, unknown>>): IpHashConfig {
  onlySettings('ip_hash', settings, []);
  return { type: 'ip_hash' };
}
