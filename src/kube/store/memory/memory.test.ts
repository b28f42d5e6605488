// Holds the memory store to the contract.
// Knows nothing more than how to make one.
import { storeContract } from '../store.contract.ts';
import { createMemoryStore } from './index.ts';

storeContract('memory', () => ({ open: createMemoryStore, cleanUp() {} }));
