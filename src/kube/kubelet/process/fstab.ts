// Lines of an fstab: many mounts by one command.
// Pure text; knows no kernel.

export interface FstabEntry {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: string;
}

function field(text: string): string {
  return text.replace(/[ \t\n\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

export function fstab(entries: readonly FstabEntry[]): string {
  return entries
    .map(({ source, target, type, options }) => `${field(source)} ${field(target)} ${type} ${options} 0 0\n`)
    .join('');
}

export function bind(source: string, target: string, ...more: readonly string[]): FstabEntry {
  return { source, target, type: 'none', options: ['rbind', ...more].join(',') };
}
