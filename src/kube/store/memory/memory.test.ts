// Holds the memory store to the contract.
// Knows nothing of other stores.
import { storeContract } from '../store.contract.ts';
import { createMemoryStore } from './index.ts';

storeContract('memory', () => ({ open: (options) => createMemoryStore(options), cleanUp: () => {} }));
