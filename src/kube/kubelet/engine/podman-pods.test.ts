// Pods of podman with a network of their own, some of them with processes of the machine as well.
import { podsContract } from './pods.contract.ts';

podsContract('podman');
