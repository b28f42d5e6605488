// Rules of FlowSchemas and PriorityLevelConfigurations.
// Knows nothing of what is served. Upstream source: pkg/apis/flowcontrol/validation.
import type { FlowSchema, PriorityLevelConfiguration } from 'kubernetes-types/flowcontrol/v1.js';
import { at, child } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const MAX_PRECEDENCE = 10_000;

const schema = rulesFor<FlowSchema>({
  validate({ spec, metadata }, report) {
    const precedence = spec?.matchingPrecedence ?? 0;
    const path = child('spec', 'matchingPrecedence');
    if (precedence < 1) report.invalid(path, precedence, 'must be a positive value');
    if (precedence > MAX_PRECEDENCE) report.invalid(path, precedence, `must not be greater than ${MAX_PRECEDENCE}`);
    if (precedence === 1 && metadata?.name !== 'exempt') {
      report.invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
    }
    if ((spec?.priorityLevelConfiguration?.name ?? '') === '') {
      report.required(child('spec', 'priorityLevelConfiguration', 'name'), 'must reference a priority level');
    }
    const method = spec?.distinguisherMethod?.type;
    if (method !== undefined && method !== 'ByUser' && method !== 'ByNamespace') {
      report.notSupported(child('spec', 'distinguisherMethod', 'type'), method, ['ByNamespace', 'ByUser']);
    }
    for (const [index, rule] of (spec?.rules ?? []).entries()) {
      const here = at(child('spec', 'rules'), index);
      if ((rule.subjects ?? []).length === 0)
        report.required(child(here, 'subjects'), 'subjects must contain at least one value');
      if ((rule.resourceRules ?? []).length + (rule.nonResourceRules ?? []).length === 0) {
        report.required(here, 'at least one of resourceRules and nonResourceRules has to be non-empty');
      }
    }
  },
});

const level = rulesFor<PriorityLevelConfiguration>({
  validate({ spec, metadata }, report) {
    const type = spec?.type ?? '';
    if (type !== 'Exempt' && type !== 'Limited')
      report.notSupported(child('spec', 'type'), type, ['Exempt', 'Limited']);
    if (type === 'Exempt' && metadata?.name !== 'exempt') {
      report.invalid(child('spec', 'type'), type, "type must be 'Limited' unless the name is 'exempt'");
    }
    if (type === 'Limited' && spec?.limited === undefined) {
      report.required(child('spec', 'limited'), 'must not be empty when type is Limited');
    }
    const path = child('spec', 'limited');
    const { nominalConcurrencyShares: shares = 0, limitResponse } = spec?.limited ?? {};
    if (shares < 0) report.invalid(child(path, 'nominalConcurrencyShares'), shares, 'must be a non-negative integer');
    if (limitResponse === undefined) return;
    const { type: response, queuing } = limitResponse;
    const here = child(path, 'limitResponse');
    if (response !== 'Queue' && response !== 'Reject') {
      report.notSupported(child(here, 'type'), response, ['Queue', 'Reject']);
    }
    if (response === 'Queue' && queuing === undefined) {
      report.required(child(here, 'queuing'), 'must not be empty if limited and queuing');
    }
    if (response === 'Reject' && queuing !== undefined) {
      report.forbidden(child(here, 'queuing'), 'must be nil if limited and not queuing');
    }
    for (const field of ['queues', 'handSize', 'queueLengthLimit'] as const) {
      const value = queuing?.[field];
      if (value !== undefined && value <= 0) {
        report.invalid(child(here, 'queuing', field), value, 'must be positive');
      }
    }
  },
});

const group = 'flowcontrol.apiserver.k8s.io';

export const flowControlRules: Readonly<Record<string, KindRules>> = {
  [`${group}/FlowSchema`]: schema,
  [`${group}/PriorityLevelConfiguration`]: level,
};
