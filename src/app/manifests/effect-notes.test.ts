// What people are told of fields that change nothing.
import { expect, test } from 'vitest';
import { effectNotes } from './effect-notes.ts';
import { parseManifests } from './parse.ts';

const pod = (name: string): string => `apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  hostUsers: false
  os: { name: linux }
  containers: [{ name: a, image: b }]
`;

test('a field without effect is named with its place and the reason; one that is so in any case is not', () => {
  expect(effectNotes(parseManifests(pod('web'), 'web.yaml').objects)).toEqual([
    'web.yaml:5:3: Pod "web": "spec.hostUsers" has no effect here: pods share the user namespace of the node',
  ]);
});

test('many of them are counted', () => {
  const text = Array.from({ length: 25 }, (_, at) => pod(`p${at}`)).join('---\n');
  const notes = effectNotes(parseManifests(text, 'many.yaml').objects);
  expect(notes).toHaveLength(21);
  expect(notes.at(-1)).toMatch(/^5 more/);
});
