// Rules of Nodes: taints that mean something, ranges of pods, and a machine that stays the same.
// Knows upstream's texts. Upstream source: pkg/apis/core/validation, ValidateNode and ValidateNodeUpdate.
import type { Node, Taint } from 'kubernetes-types/core/v1.js';
import { familyOf } from '#lib/ip.ts';
import { oneOf, validateCidr } from './common.ts';
import { labelValueText, qualifiedName } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

const node = rulesFor<Node>({
  validate({ spec }, report) {
    // The path is upstream's, though they stand in the spec.
    validateTaints(spec?.taints ?? [], child('metadata', 'taints'), report);
    const ranges = spec?.podCIDRs ?? [];
    const path = child('spec', 'podCIDRs');
    for (const [index, range] of ranges.entries()) validateCidr(range, at(path, index), report);
    if (new Set(ranges.map(familyOf)).size < ranges.length) {
      report.invalid(path, ranges, 'may specify no more than one CIDR for each IP family');
    }
  },
  validateUpdate(next, previous, report) {
    const before = previous.spec?.providerID ?? '';
    if (before !== '' && next.spec?.providerID !== before) {
      const path = child('spec', 'providerID');
      report.forbidden(path, 'node updates may not change providerID except from "" to valid');
    }
    if (!sameRanges(rangesOf(previous), rangesOf(next))) {
      report.forbidden(child('spec', 'podCIDRs'), 'node updates may not change podCIDR except from "" to valid');
    }
  },
});

/** As upstream converts them: the single range counts where the list begins with another. */
function rangesOf({ spec }: Node): readonly string[] {
  const { podCIDR = '', podCIDRs = [] } = spec ?? {};
  return podCIDR === '' || podCIDRs[0] === podCIDR ? podCIDRs : [podCIDR];
}

function sameRanges(previous: readonly string[], next: readonly string[]): boolean {
  return previous.length === 0 || previous.join() === next.join();
}

function validateTaints(taints: readonly Taint[], path: FieldPath, report: Report): void {
  const seen = new Set<string>();
  for (const [index, taint] of taints.entries()) {
    const here = at(path, index);
    const { key = '', value = '', effect } = taint;
    report.each(child(here, 'key'), key, qualifiedName(key));
    const mistakes = labelValueText(value);
    if (mistakes.length > 0) report.invalid(child(here, 'value'), value, mistakes.join(';'));
    oneOf(effect, EFFECTS, child(here, 'effect'), report);
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) report.duplicate(here, taint, 'taints must be unique by key and effect pair');
    seen.add(pair);
  }
}

export const nodeRules: Readonly<Record<string, KindRules>> = { '/Node': node };
