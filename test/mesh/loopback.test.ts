// The mesh on the loopback device, where the engine of `up` itself serves Services; and what routes are told.
// Knows the API from the outside.
import { describe } from 'vitest';
import { meshSuite } from './suite.ts';

describe('on loopback', () => meshSuite(['--network', 'loopback']));
