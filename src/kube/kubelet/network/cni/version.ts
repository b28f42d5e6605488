// Versions of the CNI specification: which we speak, and which one a network is run with.
// Knows no plugin.

/** Oldest first. */
export const CNI_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;

/** What a configuration without a version means. */
export const OLDEST_VERSION = '0.1.0';

function parts(version: string): number[] {
  return version.split('.').map(Number);
}

export function compareVersions(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (const at of [0, 1, 2]) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

export function atLeast(version: string, least: string): boolean {
  return compareVersions(version, least) >= 0;
}

export function isVersion(text: unknown): text is string {
  return typeof text === 'string' && /^\d+\.\d+\.\d+$/.test(text);
}

/** The highest that we and everybody in `supported` speak among those declared. */
export function highestCommon(
  declared: readonly string[],
  supported: readonly (readonly string[])[],
): string | undefined {
  return [...declared]
    .sort(compareVersions)
    .reverse()
    .find((one) => (CNI_VERSIONS as readonly string[]).includes(one) && supported.every((list) => list.includes(one)));
}
