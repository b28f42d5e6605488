// Reads the types that a Go program carries for its own reflection: names, fields, pointers and tags.
// Knows the layout of Go's abi.Type on 64-bit little-endian ELF; knows nothing of Kubernetes.

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

export interface GoField {
  readonly name: string;
  readonly tag: string;
  readonly embedded: boolean;
  readonly type: GoType;
}

export interface GoType {
  readonly kind: GoKind;
  /** `k8s.io/api/core/v1.Pod`; empty for types without a name. */
  readonly name: string;
  /** Of pointers, slices and maps. */
  readonly element: GoType | undefined;
  /** Of structs. */
  readonly fields: readonly GoField[];
}

const KINDS: Readonly<Record<number, GoKind>> = {
  1: 'bool',
  5: 'int32',
  6: 'int64',
  14: 'float64',
  21: 'map',
  22: 'pointer',
  23: 'slice',
  24: 'string',
  25: 'struct',
};

/** Sizes and offsets of abi.Type and its extensions, in bytes. */
const AT = { tflag: 20, kind: 23, str: 40, element: 48, mapElement: 56, structFields: 56, fieldSize: 24 } as const;
/** Where the uncommon part (which names the package) follows, by kind. */
const UNCOMMON_AT: Readonly<Partial<Record<GoKind, number>>> = { pointer: 56, slice: 56, struct: 80 };
const UNCOMMON_AFTER_PLAIN = 48;
const TFLAG = { uncommon: 1, extraStar: 2, named: 4 } as const;
const NAME_FLAG = { hasTag: 2, embedded: 8 } as const;

interface Section {
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

/** The named struct types of the program, by full name. Throws when the file is no such program. */
export function readGoStructs(file: Buffer): ReadonlyMap<string, GoType> {
  const sections = readSections(file);
  const rodata = sections.get('.rodata');
  const links = sections.get('.typelink');
  if (rodata === undefined || links === undefined) {
    throw new Error(
      'Cannot find the types of the program: .rodata or .typelink is missing. Give a Go program for Linux',
    );
  }
  const reader = new TypeReader(file, rodata);
  const found = new Map<string, GoType>();
  for (let at = links.offset; at + 4 <= links.offset + links.size; at += 4) {
    const type = reader.read(rodata.address + file.readInt32LE(at));
    // Links name the types without a name: each named struct is behind the pointer to it.
    const target = type.kind === 'pointer' ? type.element : type;
    if (target?.kind === 'struct' && target.name !== '') found.set(target.name, target);
  }
  return found;
}

function readSections(file: Buffer): Map<string, Section> {
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) {
    throw new Error('Cannot read the program: it is not a 64-bit little-endian ELF file');
  }
  const table = Number(file.readBigUInt64LE(0x28));
  const size = file.readUInt16LE(0x3a);
  const count = file.readUInt16LE(0x3c);
  const header = (index: number) => {
    const at = table + index * size;
    return {
      name: file.readUInt32LE(at),
      address: Number(file.readBigUInt64LE(at + 16)),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  };
  const names = header(file.readUInt16LE(0x3e)).offset;
  const sections = new Map<string, Section>();
  for (let index = 0; index < count; index += 1) {
    const section = header(index);
    const start = names + section.name;
    sections.set(file.toString('latin1', start, file.indexOf(0, start)), section);
  }
  return sections;
}

class TypeReader {
  readonly #file: Buffer;
  readonly #types: Section;
  readonly #known = new Map<number, GoType>();

  constructor(file: Buffer, types: Section) {
    this.#file = file;
    this.#types = types;
  }

  /** Elements and fields are read when they are asked for: types refer to themselves. */
  read(address: number): GoType {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const at = this.#offset(address);
    const kind = KINDS[(this.#file[at + AT.kind] ?? 0) & 31] ?? 'other';
    const read = (): GoField[] => this.#fields(at);
    const element = (): GoType | undefined => this.#element(at, kind);
    let fields: GoField[] | undefined;
    const type: GoType = {
      kind,
      name: this.#typeName(at, kind),
      get element() {
        return element();
      },
      get fields() {
        fields ??= kind === 'struct' ? read() : [];
        return fields;
      },
    };
    this.#known.set(address, type);
    return type;
  }

  #element(at: number, kind: GoKind): GoType | undefined {
    if (kind === 'map') return this.read(this.#pointer(at + AT.mapElement));
    if (kind === 'pointer' || kind === 'slice') return this.read(this.#pointer(at + AT.element));
    return undefined;
  }

  #fields(at: number): GoField[] {
    const count = Number(this.#file.readBigUInt64LE(at + AT.structFields + 8));
    const first = this.#offset(this.#pointer(at + AT.structFields));
    return Array.from({ length: count }, (_, index) => {
      const field = first + index * AT.fieldSize;
      return { ...this.#name(this.#offset(this.#pointer(field))), type: this.read(this.#pointer(field + 8)) };
    });
  }

  #typeName(at: number, kind: GoKind): string {
    const tflag = this.#file[at + AT.tflag] ?? 0;
    if ((tflag & TFLAG.named) === 0) return '';
    const text = this.#name(this.#types.offset + this.#file.readInt32LE(at + AT.str)).name;
    const bare = (tflag & TFLAG.extraStar) === 0 ? text : text.slice(1);
    if ((tflag & TFLAG.uncommon) === 0) return bare;
    const uncommon = at + (UNCOMMON_AT[kind] ?? UNCOMMON_AFTER_PLAIN);
    // A package's path stands for its name; types of maps are laid out differently and are not asked for.
    if (kind === 'map') return bare;
    const path = this.#name(this.#types.offset + this.#file.readInt32LE(uncommon)).name;
    return `${path}.${bare.slice(bare.indexOf('.') + 1)}`;
  }

  #name(at: number): { name: string; tag: string; embedded: boolean } {
    const flags = this.#file[at] ?? 0;
    const name = this.#text(at + 1);
    const tag = (flags & NAME_FLAG.hasTag) === 0 ? '' : this.#text(name.end).text;
    return { name: name.text, tag, embedded: (flags & NAME_FLAG.embedded) !== 0 };
  }

  /** A length as varint, then so many bytes. */
  #text(at: number): { text: string; end: number } {
    let length = 0;
    let start = at;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#file[start++] ?? 0;
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    return { text: this.#file.toString('utf8', start, start + length), end: start + length };
  }

  #pointer(at: number): number {
    return Number(this.#file.readBigUInt64LE(at));
  }

  #offset(address: number): number {
    const offset = address - this.#types.address + this.#types.offset;
    if (offset < this.#types.offset || offset >= this.#types.offset + this.#types.size) {
      throw new Error(`Cannot follow address 0x${address.toString(16)}: it is outside the types of the program`);
    }
    return offset;
  }
}
