// What expressions that write JSON patches have beside the others: `jsonpatch.escapeKey("example.com/key")`.
// Knows the escapes of RFC 6901. Source: k8s.io/apiserver/pkg/cel/library/jsonpatch.go.
import { define, type Overload } from '../signature.ts';

export const jsonPatchLibrary: readonly Overload[] = define(
  '@jsonpatch.escapeKey(string) -> string',
  (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'),
  {
    cost: ([size = 0]) => Math.ceil(size * 0.2),
    size: ([least = 0], [most = 0]) => [least, most * 2],
  },
);
