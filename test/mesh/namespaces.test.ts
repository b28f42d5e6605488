// The mesh with network namespaces, where kernels lead pods to the proxy of their own node.
// Knows the API from the outside.
import { describe } from 'vitest';
import { namespaceObstacle } from '#app/nodes/agent/privileges.ts';
import { ownRanges } from '../nodes/inventory.ts';
import { kernelAllows } from '../support/kernel.ts';
import { meshSuite } from './suite.ts';

describe.runIf(kernelAllows(namespaceObstacle(), 'the mesh of nodes'))('with namespaces', () =>
  meshSuite(['--network', 'netns', '--nodes', '2', ...ownRanges().arguments]),
);
