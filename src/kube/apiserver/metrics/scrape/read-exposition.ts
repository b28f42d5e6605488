// Reads what a pod says of itself in Prometheus' text format; whatever is no sample is passed over.
// Pure; bounded by the length of the text it is given. (Upstream: exposition formats 0.0.4 and OpenMetrics 1.0.)

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+([^ \t]+)(?:[ \t].*)?$/;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;

/** Samples of one metric, by their full names. */
export function samplesOf(text: string, name: string): Sample[] {
  const found: Sample[] = [];
  for (const line of text.split('\n')) {
    // Most lines are of other metrics: those cost one comparison.
    if (!line.startsWith(name)) continue;
    const [, own, labels = '', number = ''] = SAMPLE.exec(line) ?? [];
    if (own !== name) continue;
    const value = numberOf(number);
    const read = labelsOf(labels);
    if (value !== undefined && read !== undefined) found.push({ name, labels: read, value });
  }
  return found;
}

function numberOf(text: string): number | undefined {
  const value = Number(text);
  // An amount that is no number, or endless, is nothing to scale by.
  return text === '' || !Number.isFinite(value) ? undefined : value;
}

function labelsOf(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    if (match === null) return undefined;
    const [, name = '', raw = ''] = match;
    labels[name] = raw.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
  }
  return labels;
}
