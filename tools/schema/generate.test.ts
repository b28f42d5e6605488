// The committed tables are what the sources of the API yield, and a reader of Go says what it cannot read.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tempDir } from '#test/support/temp-dir.ts';
import { differing, origin } from './generate.ts';
import { GoSources, type GoType } from './go-source.ts';
import { findSources } from './packages.ts';

test('the generated tables are what the sources of the API yield', { timeout: 300_000 }, ({ skip }) => {
  const sources = findSources(process.env.EVENKEEL_KUBERNETES_SOURCES);
  if ('missing' in sources) return skip(sources.missing);
  const committed = readFileSync(origin, 'utf8').trim();
  if (process.env.EVENKEEL_KUBERNETES_SOURCES === undefined && sources.origin !== committed) {
    return skip(`the tables are of ${committed}, and ${sources.origin} is what can be had here`);
  }
  return expect(differing(sources.directory), sources.origin).toEqual([]);
});

const { path: directory, remove } = tempDir('go-source');
afterAll(remove);

/** The type of that code, each under a path of its own. */
function ball(path: string, code: string): GoType | undefined {
  mkdirSync(join(directory, path), { recursive: true });
  writeFileSync(join(directory, path, 'types.go'), `package own\n\n${code}`);
  return new GoSources(directory).type(path, 'Ball');
}

test('tags, markers and constants are read where they stand', () => {
  const found = ball(
    'k8s.io/own',
    `
// Colour is a word.
// +enum
type Colour string

const (
	// As blood.
	Red Colour = "red"
	Blue = Colour("blue")
)

// +structType=atomic
type Ball struct {
	// Said of nothing else.
	// +listType=map
	// +listMapKey=a
	// +listMapKey=b
	Parts []*Ball \`json:"parts,omitempty" patchStrategy:"merge" protobuf:"bytes,3,rep,name=parts"\` // as often as it takes
	Colour Colour \`json:"colour"\`
}
`,
  );
  expect(found?.markers.get('structType')).toEqual(['atomic']);
  const [parts, colour] = found?.fields ?? [];
  expect(parts?.markers.get('listMapKey')).toEqual(['a', 'b']);
  expect(parts?.tag).toContain('patchStrategy:"merge"');
  expect(parts?.type.element?.element?.name).toBe('k8s.io/own.Ball');
  expect(colour?.markers.size).toBe(0);
  expect([...(colour?.type.constants.values() ?? [])]).toEqual(['red', 'blue']);
});

test('a field in a form that is not known is no field that is left out', () => {
  const found = ball('k8s.io/other', 'type Ball struct {\n\tRoll func() error\n}\n');
  expect(() => found?.fields).toThrow('Cannot read the field Roll func() error');
});
