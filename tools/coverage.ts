// Writes docs/kubernetes-coverage.md: what becomes of every field that manifests may hold.
// Knows the page's place only; what it says is made in src/kube/api/support/.
import { writeFileSync } from 'node:fs';
import { coverageDocument } from '../src/kube/api/support/document.ts';

writeFileSync(new URL('../docs/kubernetes-coverage.md', import.meta.url), coverageDocument());
