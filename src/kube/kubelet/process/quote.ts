// Words for a POSIX shell.
// Knows no command.

export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
