// The order of test files: those that take minutes begin, so that none of them is left alone at the end.
// Knows them by what they run: suites of drivers, and everything in a guest kernel.
import { readFileSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const LONG = /\b(?:inGuest|testsInGuest|describeL4Driver)\(/;

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = new Map(files.map((file) => [file, LONG.test(readFileSync(file.moduleId, 'utf8'))]));
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => Number(isLong.get(other)) - Number(isLong.get(one)));
  }
}
