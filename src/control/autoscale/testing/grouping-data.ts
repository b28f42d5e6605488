// In which group a pod falls: one pod a row. Times are seconds before now; the metric's window is 30 s.
// Data only. The rules: CPU counts from 300 s after the start, or once measured since the pod got ready; 30 s for readiness.

export interface GroupingRow {
  readonly what: string;
  readonly resource?: string;
  readonly phase?: string;
  readonly deleting?: true;
  /** `undefined`: it has not started. */
  readonly started?: number;
  readonly ready?: readonly [status: string, since: number];
  /** End of the measurement; `undefined`: there is none. */
  readonly measured?: number;
  readonly is: 'ready' | 'unready' | 'missing' | 'ignored';
}

const well = { started: 3600, ready: ['True', 3500], measured: 1 } as const;
const young = { started: 200, ready: ['True', 100], measured: 1 } as const;

export const groupingRows: readonly GroupingRow[] = [
  { what: 'all is well', ...well, is: 'ready' },
  { what: 'no resource, and all is well', resource: '', ...well, is: 'ready' },
  { what: 'memory, and all is well', resource: 'memory', ...well, is: 'ready' },
  { what: 'being deleted', ...well, deleting: true, is: 'ignored' },
  { what: 'being deleted while pending', ...well, deleting: true, phase: 'Pending', is: 'ignored' },
  { what: 'being deleted and not measured', started: 3600, deleting: true, is: 'ignored' },
  { what: 'failed', ...well, phase: 'Failed', is: 'ignored' },
  { what: 'failed and not measured', phase: 'Failed', is: 'ignored' },
  { what: 'succeeded and measured', ...well, phase: 'Succeeded', is: 'ready' },
  { what: 'succeeded and not measured', phase: 'Succeeded', is: 'missing' },
  { what: 'pending', phase: 'Pending', is: 'unready' },
  { what: 'pending although it is measured', ...well, phase: 'Pending', is: 'unready' },
  { what: 'pending, no resource', resource: '', phase: 'Pending', is: 'unready' },
  { what: 'not measured', started: 3600, ready: ['True', 3500], is: 'missing' },
  { what: 'not measured and not ready', started: 3600, ready: ['False', 3500], is: 'missing' },
  { what: 'not measured, memory', resource: 'memory', started: 3600, ready: ['True', 3500], is: 'missing' },
  { what: 'phase unknown, measured', ...well, phase: 'Unknown', is: 'ready' },

  { what: 'no condition', started: 3600, measured: 1, is: 'unready' },
  { what: 'no condition, memory', resource: 'memory', started: 3600, measured: 1, is: 'ready' },
  { what: 'no start', ready: ['True', 100], measured: 1, is: 'unready' },
  { what: 'no start, no resource', resource: '', ready: ['True', 100], measured: 1, is: 'ready' },

  { what: 'young, ready, measured since', ...young, is: 'ready' },
  { what: 'young, not ready', ...young, ready: ['False', 100], is: 'unready' },
  { what: 'young, not ready, memory', resource: 'memory', ...young, ready: ['False', 100], is: 'ready' },
  { what: 'young, readiness unknown', ...young, ready: ['Unknown', 100], is: 'ready' },
  { what: 'young, measured before it got ready', ...young, measured: 120, is: 'unready' },
  { what: 'young, measured when it got ready', ...young, measured: 100, is: 'unready' },
  { what: 'young, measured not quite a window after', ...young, measured: 71, is: 'unready' },
  { what: 'young, measured exactly a window after', ...young, measured: 70, is: 'ready' },
  { what: 'young, measured a little later', ...young, measured: 69, is: 'ready' },
  { what: 'young, got ready just now', ...young, ready: ['True', 0], measured: 0, is: 'unready' },
  { what: 'young, became unready just now', ...young, ready: ['False', 0], measured: 0, is: 'unready' },

  { what: 'a moment before it is old', started: 299, ready: ['True', 10], measured: 1, is: 'unready' },
  { what: 'old exactly now', started: 300, ready: ['True', 10], measured: 1, is: 'ready' },
  { what: 'old, measured long before it got ready', started: 301, ready: ['True', 1], measured: 200, is: 'ready' },
  { what: 'just started', started: 0, ready: ['True', 0], measured: 0, is: 'unready' },

  { what: 'old, not ready since its start', started: 3600, ready: ['False', 3600], measured: 1, is: 'unready' },
  {
    what: 'old, not ready since 29 s after its start',
    started: 3600,
    ready: ['False', 3571],
    measured: 1,
    is: 'unready',
  },
  {
    what: 'old, not ready since 30 s after its start',
    started: 3600,
    ready: ['False', 3570],
    measured: 1,
    is: 'ready',
  },
  {
    what: 'old, not ready since 31 s after its start',
    started: 3600,
    ready: ['False', 3569],
    measured: 1,
    is: 'ready',
  },
  { what: 'old, not ready since a moment', started: 3600, ready: ['False', 1], measured: 1, is: 'ready' },
  { what: 'old, readiness unknown since its start', started: 3600, ready: ['Unknown', 3600], measured: 1, is: 'ready' },
  {
    what: 'old, never ready, memory',
    resource: 'memory',
    started: 3600,
    ready: ['False', 3600],
    measured: 1,
    is: 'ready',
  },
  {
    what: 'old, never ready, no resource',
    resource: '',
    started: 3600,
    ready: ['False', 3600],
    measured: 1,
    is: 'ready',
  },
  { what: 'old, not ready since before its start', started: 3600, ready: ['False', 3700], measured: 1, is: 'unready' },
];
