// `$(NAME)` references in commands, arguments and variable values, as Kubernetes expands them.
// Knows nothing of where values come from.

const REFERENCE = /\$(?:\$|\(([^)]*)\))/g;

/**
 * Replaces `$(NAME)` by what `lookup` gives and `$$` by `$`; an unknown name stays as it was written, and so does a
 * reference without its closing parenthesis. (Upstream: third_party/forked/golang/expansion.)
 */
export function expand(input: string, lookup: (name: string) => string | undefined): string {
  return input.replace(REFERENCE, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return lookup(name) ?? whole;
  });
}
