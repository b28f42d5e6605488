// All merge facts in one table, by `definition.field` (or `definition` for facts of the type itself).
// Data only.
import { coreFacts, metaFacts } from './core.ts';
import { groupFacts } from './groups.ts';
import type { FactTable } from './make.ts';
import { podFacts } from './pod.ts';

export const fieldFacts: FactTable = Object.freeze({ ...metaFacts, ...podFacts, ...coreFacts, ...groupFacts });
