// How the descriptions are written down: per definition, its own sentence under `about`, then its fields'.
// Knows no kind.

/** Short definition name within its package (`PodSpec`) -> field (or `about`) -> one sentence. */
export type Words = Readonly<Record<string, Readonly<Record<string, string>>>>;
