// A user as the API shows it: `UserInfo` of authentication.k8s.io.
// Knows its form only.
import type { User } from '../http/authn.ts';

export function userInfo({ name, uid, groups, extra }: User): Record<string, unknown> {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}
