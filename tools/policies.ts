// Writes the table of docs/policies.md: every setting of BackendPolicy and its annotation.
// Knows the page's place only; what it says is made in src/kube/api/backend-policy/.
import { readFileSync, writeFileSync } from 'node:fs';
import { withTable } from '../src/kube/api/backend-policy/document.ts';

const page = new URL('../docs/policies.md', import.meta.url);
writeFileSync(page, withTable(readFileSync(page, 'utf8')));
