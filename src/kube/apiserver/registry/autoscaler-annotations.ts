// The texts of the annotations that carry what autoscaling/v1 has no fields for: metrics, and behaviour.
// Knows two ways of writing the same. (Upstream: MetricSpec of autoscaling/v1; behaviour in Go's names of fields.)
import { dig, type Fields, isFields } from './any-object.ts';

type Amounts = 'target' | 'current';

/** Field of the older form for each amount; which one depends on whether it is aimed at or measured. */
const NAMES = {
  target: { value: 'targetValue', averageValue: 'targetAverageValue', averageUtilization: 'targetAverageUtilization' },
  current: {
    value: 'currentValue',
    averageValue: 'currentAverageValue',
    averageUtilization: 'currentAverageUtilization',
  },
} as const;

const BODIES: Readonly<Record<string, string>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

export function metricsText(metrics: readonly unknown[], amounts: Amounts): string {
  return JSON.stringify(metrics.map((metric) => older(metric, amounts)));
}

/** Empty when the text is no list of metrics. */
export function metricsFromText(text: string | undefined, amounts: Amounts): Fields[] {
  const parsed = parse(text);
  return Array.isArray(parsed) ? parsed.filter(isFields).map((metric) => newer(metric, amounts)) : [];
}

function older(metric: unknown, amounts: Amounts): Fields {
  const type = String(dig(metric, 'type') ?? '');
  const body = BODIES[type] ?? '';
  const source = dig(metric, body);
  if (!isFields(source)) return { type };
  const names = NAMES[amounts];
  const numbers = isFields(source[amounts]) ? source[amounts] : {};
  const selector = dig(source, 'metric', 'selector');
  const made: Fields = {};
  if (body === 'object') made.target = source.describedObject;
  if (source.name !== undefined) made.name = source.name;
  if (source.container !== undefined) made.container = source.container;
  if (isFields(source.metric)) made.metricName = source.metric.name;
  if (selector !== undefined) made[body === 'external' ? 'metricSelector' : 'selector'] = selector;
  for (const [field, value] of Object.entries(numbers)) {
    // Of an object the share of a pod has a shorter name than elsewhere.
    if (field === 'averageValue' && body === 'object') made.averageValue = value;
    else if (field in names) made[names[field as keyof typeof names]] = value;
  }
  // The older form of an object's metric always has a value, the newer one either.
  if (body === 'object') made[names.value] ??= '0';
  return { type, [body]: made };
}

function newer(metric: Fields, amounts: Amounts): Fields {
  const type = String(metric.type ?? '');
  const body = BODIES[type] ?? '';
  const source = metric[body];
  if (!isFields(source)) return { type };
  const names = NAMES[amounts];
  const averageValue = source[names.averageValue] ?? (body === 'object' ? source.averageValue : undefined);
  const averageUtilization = source[names.averageUtilization];
  const value = body === 'object' && averageValue !== undefined ? undefined : source[names.value];
  const numbers = defined({ averageUtilization, averageValue, value });
  const word = averageUtilization !== undefined ? 'Utilization' : averageValue !== undefined ? 'AverageValue' : 'Value';
  const selector = source.metricSelector ?? source.selector;
  const identity = source.metricName === undefined ? {} : { metric: defined({ name: source.metricName, selector }) };
  return {
    type,
    [body]: {
      ...(body === 'object' ? { describedObject: source.target } : {}),
      ...defined({ name: source.name, container: source.container }),
      ...identity,
      [amounts]: amounts === 'target' ? { type: word, ...numbers } : numbers,
    },
  };
}

const DIRECTIONS = [
  ['scaleUp', 'ScaleUp'],
  ['scaleDown', 'ScaleDown'],
] as const;
const RULES = [
  ['stabilizationWindowSeconds', 'StabilizationWindowSeconds'],
  ['selectPolicy', 'SelectPolicy'],
  ['policies', 'Policies'],
  ['tolerance', 'Tolerance'],
] as const;
const POLICY = [
  ['type', 'Type'],
  ['value', 'Value'],
  ['periodSeconds', 'PeriodSeconds'],
] as const;

type Pairs = readonly (readonly [string, string])[];

/** Go writes the fields of a type without names for JSON as they are called, absent ones as null. */
export function behaviorText(behavior: Fields): string {
  const rules = (value: unknown): unknown => {
    if (!isFields(value)) return null;
    const policies = Array.isArray(value.policies) ? value.policies.map((one) => renamed(one, POLICY)) : null;
    return { ...renamed(value, RULES), Policies: policies };
  };
  return JSON.stringify(Object.fromEntries(DIRECTIONS.map(([from, to]) => [to, rules(behavior[from])])));
}

export function behaviorFromText(text: string | undefined): Fields | undefined {
  const parsed = parse(text);
  if (!isFields(parsed)) return undefined;
  const back = (pairs: Pairs): Pairs => pairs.map(([from, to]) => [to, from]);
  const rules = (value: unknown): unknown => {
    if (!isFields(value)) return undefined;
    const policies = Array.isArray(value.Policies)
      ? value.Policies.map((one) => renamed(one, back(POLICY)))
      : undefined;
    return defined({ ...renamed(value, back(RULES)), policies });
  };
  return defined(Object.fromEntries(DIRECTIONS.map(([to, from]) => [to, rules(parsed[from])])));
}

function renamed(value: unknown, pairs: Pairs): Fields {
  return Object.fromEntries(pairs.map(([from, to]) => [to, dig(value, from) ?? null]));
}

function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // An annotation that nobody can read says nothing.
    return undefined;
  }
}
