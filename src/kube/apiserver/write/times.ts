// Times as they stand in objects.
// Knows the two text forms of the API and nothing else.

/** RFC 3339 in UTC to the second, from milliseconds since the epoch. */
export function timestamp(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
