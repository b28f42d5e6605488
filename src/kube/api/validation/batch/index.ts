// Rules of the group batch: the door of this folder.
// Upstream source: pkg/apis/batch/validation.
import type { KindRules } from '../rules.ts';
import { cronJob } from './cron-job.ts';
import { job } from './job.ts';

export const batchRules: Readonly<Record<string, KindRules>> = { 'batch/Job': job, 'batch/CronJob': cronJob };
