// The known word that was probably meant by one that is not known.
// Pure; knows no words.

/** Undefined where none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = plain(word);
  const ranked = known
    .map((name) => ({ name, distance: distance(wanted, plain(name)) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(wanted.length / 3)) ? best.name : undefined;
}

/** `max_bytes`, `max-bytes` and `maxBytes` are one word to a person. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[_-]/g, '');
}

/** How many letters must change, come, go, or swap with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
