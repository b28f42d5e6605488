// Rules of resource requests and limits.
// Knows quantities. Upstream source: ValidateContainerResourceRequirements in pkg/apis/core/validation.
import type { ResourceRequirements } from 'kubernetes-types/core/v1.js';
import { parseQuantity, type Quantity } from '../../quantity.ts';
import { atLeastZero } from '../metadata.ts';
import { qualifiedName } from '../names.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';

const standard = new Set(['cpu', 'memory', 'ephemeral-storage']);

export function validateResources(resources: ResourceRequirements | undefined, path: FieldPath, report: Report): void {
  const limits = resources?.limits ?? {};
  const requests = resources?.requests ?? {};
  for (const [name, value] of Object.entries(limits)) {
    validateResourceName(name, at(child(path, 'limits'), name), report);
    quantity(value, at(child(path, 'limits'), name), report);
  }
  for (const [name, value] of Object.entries(requests)) {
    const here = at(child(path, 'requests'), name);
    validateResourceName(name, here, report);
    const requested = quantity(value, here, report);
    const text = limits[name];
    if (text === undefined) {
      if (isExtended(name))
        report.required(child(path, 'limits'), 'Limit must be set for non overcommitable resources');
      continue;
    }
    const limit = tryParse(text);
    if (requested === undefined || limit === undefined) continue;
    if (isExtended(name) && requested.compare(limit) !== 0) {
      report.invalid(child(path, 'requests'), value, `must be equal to ${name} limit of ${text}`);
    } else if (requested.compare(limit) > 0) {
      report.invalid(child(path, 'requests'), value, `must be less than or equal to ${name} limit of ${text}`);
    }
  }
}

function validateResourceName(name: string, path: FieldPath, report: Report): void {
  const messages = qualifiedName(name);
  report.each(path, name, messages);
  if (messages.length === 0 && !name.includes('/') && !standard.has(name) && !name.startsWith('hugepages-')) {
    report.invalid(path, name, 'must be a standard resource for containers');
  }
}

function isExtended(name: string): boolean {
  return name.includes('/') || name.startsWith('hugepages-');
}

function quantity(text: string, path: FieldPath, report: Report): Quantity | undefined {
  const parsed = tryParse(text);
  if (parsed !== undefined && parsed.milli() < 0) report.invalid(path, text, atLeastZero);
  return parsed;
}

/** The structural check has refused what is no quantity; here it only has no value to compare. */
function tryParse(text: string): Quantity | undefined {
  try {
    return parseQuantity(text);
  } catch {
    return undefined;
  }
}
