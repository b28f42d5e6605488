// What becomes of a field that people may write: honoured, accepted without effect, or refused.
// The form of the verdicts and nothing else; they stand in verdicts/, a file for each part of the API.

export type Verdict =
  /** `test` is a file of this repository that names the field and would fail without it. `where`: and not elsewhere. */
  | { readonly is: 'honoured'; readonly test: string; readonly where?: string }
  /** `quiet`: nobody need be told, since what the field asks for is so in any case. */
  | { readonly is: 'ignored'; readonly why: string; readonly quiet?: true }
  | { readonly is: 'refused'; readonly why: string };

/** Verdicts by field, or one for every field of the type. */
export type TypeVerdicts = Readonly<Record<string, Verdict>> | { readonly every: Verdict };

/** By name of the type as in the schema, e.g. `core.v1.PodSpec`. */
export type Verdicts = Readonly<Record<string, TypeVerdicts>>;

type Fields = Record<string, Verdict>;

function each(verdict: Verdict, fields: readonly string[]): Fields {
  return Object.fromEntries(fields.map((field) => [field, verdict]));
}

export function honoured(test: string, ...fields: readonly string[]): Fields {
  return each({ is: 'honoured', test }, fields);
}

/** With an effect in some places only, e.g. `on nodes with namespaces`. */
export function honouredWhere(where: string, test: string, ...fields: readonly string[]): Fields {
  return each({ is: 'honoured', test, where }, fields);
}

export function ignored(why: string, ...fields: readonly string[]): Fields {
  return each({ is: 'ignored', why }, fields);
}

/** Without effect, and rightly so: what the field asks for is so in any case. */
export function moot(why: string, ...fields: readonly string[]): Fields {
  return each({ is: 'ignored', why, quiet: true }, fields);
}

export function refused(why: string, ...fields: readonly string[]): Fields {
  return each({ is: 'refused', why }, fields);
}

export function everyHonoured(test: string): TypeVerdicts {
  return { every: { is: 'honoured', test } };
}

export function everyIgnored(why: string): TypeVerdicts {
  return { every: { is: 'ignored', why } };
}

export function everyRefused(why: string): TypeVerdicts {
  return { every: { is: 'refused', why } };
}
