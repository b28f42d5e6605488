// The page that says of every field what becomes of it, made of the schema and the verdicts.
// Pure; `node tools/coverage.ts` writes it.
import { fieldsByType } from './fields.ts';
import type { Verdict } from './verdict.ts';
import { verdictOf } from './verdicts/index.ts';

const INTRODUCTION = `# What of Kubernetes is honoured

Every field of Pods, Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs, Services, EndpointSlices, Ingresses, Nodes and HorizontalPodAutoscalers that a manifest may hold, and what becomes of it in the embedded cluster. This page is made by \`node tools/coverage.ts\` from the schemas and from \`src/kube/api/support/verdicts/\`; a test fails when a field has no verdict, or a test that is named here does not speak of its field.

- **honoured**: it does what Kubernetes says; the test that shows it is named, or the case that one reads. Nodes have a network of their own unless it is \`--network loopback\`, where all share the listeners of the machine.
- **no effect**: it is accepted and stored, and changes nothing; \`evenkeel up\` and \`apply\` say so, unless what it asks for is so in any case.
- **refused**: a pod with it does not start, a route with it is not served, and an event says why.
`;

function cells(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '| ? | no verdict |';
  if (verdict.is === 'honoured') {
    const where = verdict.where === undefined ? '' : ` ${verdict.where}`;
    return `| honoured${where} | [${verdict.test}](../${verdict.test}) |`;
  }
  return `| ${verdict.is === 'ignored' ? 'no effect' : 'refused'} | ${verdict.why} |`;
}

/** The whole page as Markdown. */
export function coverageDocument(): string {
  const counts = { honoured: 0, ignored: 0, refused: 0 };
  const sections = [...fieldsByType()].map(([type, fields]) => {
    const rows = fields.map((field) => {
      const verdict = verdictOf(type, field);
      if (verdict !== undefined) counts[verdict.is] += 1;
      return `| \`${field}\` ${cells(verdict)}`;
    });
    return `\n## ${type}\n\n| Field | | Test or reason |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  const total = counts.honoured + counts.ignored + counts.refused;
  const sum = `\nOf ${total} fields ${counts.honoured} are honoured, ${counts.ignored} have no effect and ${counts.refused} are refused.\n`;
  return INTRODUCTION + sum + sections.join('');
}
