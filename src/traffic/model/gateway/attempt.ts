// Keeps what nobody foresaw to the object that it is in: a shape that no API server lets in costs nobody else anything.
// Knows no object.

export function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
