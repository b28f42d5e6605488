// All dashboards, by the name of their file.
// Knows nothing of what is in them; a test looks in a running cluster for every metric that they name.
import { autoscaling } from './autoscaling.ts';
import { gateway } from './gateway.ts';
import { nodes } from './nodes.ts';
import type { Dashboard } from './panel.ts';
import { services } from './services.ts';

export const dashboards: Readonly<Record<string, Dashboard>> = { gateway, services, autoscaling, nodes };
