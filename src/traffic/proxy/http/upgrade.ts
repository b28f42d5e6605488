// Whether both sides of a switch of protocols mean the same.
// Knows only what the two `Upgrade` headers say.

/** The backend's `name` has to be one out of the list `asked` of the client. */
export function agrees(name: string, asked: string): boolean {
  if (name === '' || asked === '') return false;
  const wanted = name.toLowerCase();
  return asked.split(',').some((one) => one.trim().toLowerCase() === wanted);
}
