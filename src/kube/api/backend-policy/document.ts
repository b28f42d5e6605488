// The table of docs/policies.md: each setting, its annotation, its default and its unit.
// Pure; `node tools/policies.ts` writes it.
import { durationText, type SettingField, type SettingType } from './field.ts';
import { ANNOTATION_PREFIX, settingFields } from './fields.ts';

const BEGIN = '<!-- settings -->';
const END = '<!-- end of settings -->';

/** The page with the table in it; throws where the page has no place for it. */
export function withTable(page: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from === -1 || to < from) throw new Error(`docs/policies.md has no ${BEGIN} before ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${table()}\n\n${page.slice(to)}`;
}

function table(): string {
  const rows = [
    ['Setting', 'Field of `spec`', 'Annotation', 'Without it', 'Values'],
    ...settingFields.map((field) => [
      field.about,
      `\`${field.path}\``,
      `\`${ANNOTATION_PREFIX}${field.annotation}\``,
      usual(field),
      valuesOf(field.is),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function usual({ default: value, otherwise }: SettingField): string {
  return value === undefined ? (otherwise ?? '') : `${value}`;
}

function valuesOf(is: SettingType): string {
  switch (is.type) {
    case 'word':
      return is.words.join(', ');
    case 'whole':
      return `${is.min} to ${is.max}${is.unit === undefined ? '' : ` ${is.unit}`}`;
    case 'choice':
      return is.numbers.join(', ');
    case 'number':
      return `${is.min} to ${is.max}`;
    case 'duration':
      return `${is.min === 0 ? '0s' : durationText(is.min)} to ${durationText(is.max)}`;
    case 'flag':
      return 'true, false';
    case 'text':
      return `text, e.g. ${is.example}`;
    case 'list':
      return `up to ${is.most}, with commas: ${valuesOf(is.of)}`;
    case 'labels':
      return 'labels, with commas: version=v1';
  }
}
