// Reads the types of Go packages from their sources: names, fields, tags, markers in comments, constants.
// Knows the part of Go that the types of the Kubernetes API are written in; knows nothing of what markers mean.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type GoKind =
  | 'bool'
  | 'int32'
  | 'int64'
  | 'float64'
  | 'string'
  | 'struct'
  | 'pointer'
  | 'slice'
  | 'map'
  | 'other';

/** `// +listMapKey=name` is `listMapKey -> ['name']`; a marker without a value has ''. */
export type Markers = ReadonlyMap<string, readonly string[]>;

export interface GoField {
  readonly name: string;
  readonly tag: string;
  readonly embedded: boolean;
  readonly type: GoType;
  readonly markers: Markers;
}

export interface GoType {
  readonly kind: GoKind;
  /** `k8s.io/api/core/v1.Pod`; empty for types without a name. */
  readonly name: string;
  /** Of pointers, slices and maps. */
  readonly element: GoType | undefined;
  /** Of structs. */
  readonly fields: readonly GoField[];
  /** Of the declaration; empty for types without a name. */
  readonly markers: Markers;
  /** Text constants of this type, by name. */
  readonly constants: ReadonlyMap<string, string>;
}

const NO_MARKERS: Markers = new Map();
const NO_CONSTANTS: ReadonlyMap<string, string> = new Map();

const BASIC: Readonly<Record<string, GoKind>> = {
  bool: 'bool',
  int: 'int64',
  int32: 'int32',
  int64: 'int64',
  float64: 'float64',
  string: 'string',
};

/** One declaration as it stands in its file. */
interface Declaration {
  /** What follows the name: `struct {` or another type. */
  readonly text: string;
  readonly body: readonly string[];
  readonly markers: Markers;
  readonly imports: ReadonlyMap<string, string>;
}

interface Package {
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** Type -> constant -> text. */
  readonly constants: ReadonlyMap<string, Map<string, string>>;
}

/** The packages below `directory`, each read when it is asked for. */
export class GoSources {
  readonly #directory: string;
  readonly #packages = new Map<string, Package>();
  readonly #types = new Map<string, GoType>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The type `name` of the package; undefined when the package has none. Throws when there is no such package. */
  type(path: string, name: string): GoType | undefined {
    const full = `${path}.${name}`;
    const known = this.#types.get(full);
    if (known !== undefined) return known;
    const read = this.#package(path);
    const declaration = read.declarations.get(name);
    if (declaration === undefined) return undefined;
    const made = this.#declared(path, full, declaration, read.constants.get(name) ?? NO_CONSTANTS);
    this.#types.set(full, made);
    return made;
  }

  #declared(path: string, full: string, declared: Declaration, constants: ReadonlyMap<string, string>): GoType {
    const { markers, text } = declared;
    if (!text.startsWith('struct')) {
      const base = this.#resolve(path, text, declared.imports);
      return { ...plain(base.kind, base.element), name: full, markers, constants };
    }
    const read = (): GoField[] => this.#fields(path, declared);
    let fields: GoField[] | undefined;
    // Fields are read when they are asked for: types refer to themselves.
    return {
      ...plain('struct', undefined),
      name: full,
      markers,
      get fields() {
        fields ??= read();
        return fields;
      },
    };
  }

  #fields(path: string, { body, imports }: Declaration): GoField[] {
    const fields: GoField[] = [];
    const comments = new Comments();
    for (const line of body) {
      if (comments.take(line)) continue;
      const markers = comments.leave();
      const match = /^\t(?:(\w+)[ \t]+)?([\w.*[\]]+)[ \t]*(?:`([^`]*)`)?[ \t]*(?:\/\/.*)?$/.exec(line);
      if (match === null) throw new Error(`Cannot read the field ${line.trim()} in ${path}`);
      const [, named, text = '', tag = ''] = match;
      const name = named ?? text.slice(text.lastIndexOf('.') + 1).replace('*', '');
      fields.push({ name, tag, embedded: named === undefined, type: this.#resolve(path, text, imports), markers });
    }
    return fields;
  }

  #resolve(path: string, text: string, imports: ReadonlyMap<string, string>): GoType {
    const resolve = (inner: string): GoType => this.#resolve(path, inner, imports);
    if (text.startsWith('*')) return lazily('pointer', () => resolve(text.slice(1)));
    if (text === '[]byte') return plain('slice', { ...plain('other', undefined), name: '.uint8' });
    if (text.startsWith('[]')) return lazily('slice', () => resolve(text.slice(2)));
    const map = /^map\[[\w.]+\](.*)$/.exec(text);
    if (map?.[1] !== undefined) return lazily('map', () => resolve(map[1] ?? ''));
    const basic = BASIC[text];
    if (basic !== undefined) return plain(basic, undefined);
    const [alias, name] = text.includes('.') ? text.split('.') : [undefined, text];
    const from = alias === undefined ? path : imports.get(alias);
    const found = from === undefined || !from.startsWith('k8s.io/') ? undefined : this.type(from, name ?? '');
    return found ?? { ...plain('other', undefined), name: `${from ?? alias}.${name}` };
  }

  #package(path: string): Package {
    const known = this.#packages.get(path);
    if (known !== undefined) return known;
    const directory = join(this.#directory, path);
    const declarations = new Map<string, Declaration>();
    const constants = new Map<string, Map<string, string>>();
    for (const file of readdirSync(directory).sort()) {
      if (!file.endsWith('.go') || /_test\.go$|generated/.test(file)) continue;
      readFile(readFileSync(join(directory, file), 'utf8'), declarations, constants);
    }
    const made: Package = { declarations, constants };
    this.#packages.set(path, made);
    return made;
  }
}

function plain(kind: GoKind, element: GoType | undefined): GoType {
  return { kind, name: '', element, fields: [], markers: NO_MARKERS, constants: NO_CONSTANTS };
}

function lazily(kind: GoKind, read: () => GoType): GoType {
  return {
    ...plain(kind, undefined),
    get element() {
      return read();
    },
  };
}

/** Collects the markers of the comments above a declaration or a field. */
class Comments {
  #markers = new Map<string, string[]>();

  /** True for comments and empty lines, which it keeps and passes over. */
  take(line: string): boolean {
    const text = line.trim();
    if (text === '') return true;
    if (!text.startsWith('//')) return false;
    const marker = /^\/\/\s*\+([\w.:-]+)(?:=(.*))?$/.exec(text);
    if (marker?.[1] !== undefined) {
      const values = this.#markers.get(marker[1]) ?? [];
      values.push(marker[2]?.trim() ?? '');
      this.#markers.set(marker[1], values);
    }
    return true;
  }

  /** What stood above the line that is no comment; the next starts with nothing. */
  leave(): Markers {
    const markers = this.#markers;
    this.#markers = new Map();
    return markers;
  }
}

function readFile(
  code: string,
  declarations: Map<string, Declaration>,
  constants: Map<string, Map<string, string>>,
): void {
  const imports = new Map<string, string>();
  const lines = code.replace(/\/\*[\s\S]*?\*\//g, '').split('\n');
  const comments = new Comments();
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (comments.take(line)) continue;
    const markers = comments.leave();
    const imported = /^(?:import)?\s+(?:(\w+) )?"([^"]+)"$/.exec(line);
    if (imported?.[2] !== undefined) imports.set(imported[1] ?? lastPart(imported[2]), imported[2]);
    keepConstant(constants, line);
    const declared = /^type (\w+) (?:= )?(.*?)\s*(?:\/\/.*)?$/.exec(line);
    if (declared?.[1] === undefined) continue;
    const [, name, text = ''] = declared;
    const body: string[] = [];
    if (text === 'struct {') {
      for (index += 1; index < lines.length && lines[index] !== '}'; index += 1) body.push(lines[index] ?? '');
    }
    declarations.set(name, { text, body, markers, imports });
  }
}

/** `A T = "text"` and `A = T("text")`. */
function keepConstant(constants: Map<string, Map<string, string>>, line: string): void {
  const typed = /^(?:const|\t)\s*(\w+)\s+(\w+)\s*=\s*(".*?")/.exec(line);
  const [, name, type = '', text = '""'] = typed ?? /^(?:const|\t)\s*(\w+)\s*=\s*(\w+)\((".*?")\)/.exec(line) ?? [];
  if (name === undefined) return;
  const known = constants.get(type) ?? new Map<string, string>();
  known.set(name, JSON.parse(text) as string);
  constants.set(type, known);
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
