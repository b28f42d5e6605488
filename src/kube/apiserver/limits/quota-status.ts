// Writes what is used into the status of quotas, as fast as writes go: changes in between are one.
// Knows quotas and the ledger; nothing of what counts.
import { amountOf } from '#kube/api/quota/amounts.ts';
import { StatusError } from '#kube/api/status.ts';
import { MASTERS } from '../authz/authorizer.ts';
import type { ServerContext } from '../context.ts';
import { updateObject } from '../write/update.ts';
import type { QuotaAccount } from './quota-ledger.ts';

const WRITER = {
  user: { name: 'system:serviceaccount:kube-system:resourcequota-controller', groups: [MASTERS] },
  options: { dryRun: false, manager: 'kube-controller-manager' },
};

export class QuotaStatus {
  readonly #changed = new Map<string, QuotaAccount>();
  #server: ServerContext | undefined;
  #writing = false;

  /** Until the server is there, changes are kept. */
  start(server: ServerContext): void {
    this.#server = server;
    void this.#write();
  }

  note(account: QuotaAccount): void {
    this.#changed.set(`${account.namespace}/${account.name}`, account);
    void this.#write();
  }

  async #write(): Promise<void> {
    const server = this.#server;
    if (server === undefined || this.#writing) return;
    this.#writing = true;
    try {
      while (!server.closing.aborted) {
        const [next] = this.#changed;
        if (next === undefined) return;
        this.#changed.delete(next[0]);
        await writeOne(server, next[1]).catch((error: unknown) => {
          if (server.closing.aborted) return;
          server.log.warn({ quota: next[0], error: String(error) }, 'Cannot write what is used of a quota');
        });
      }
    } finally {
      this.#writing = false;
    }
  }
}

async function writeOne(server: ServerContext, account: QuotaAccount): Promise<void> {
  const resource = server.registry.builtin('', 'v1', 'resourcequotas');
  const { name, namespace } = account;
  try {
    await updateObject({ server, resource, namespace, name, ...WRITER, subresource: 'status' }, (current) => ({
      ...current,
      status: {
        hard: { ...account.spec?.hard },
        used: Object.fromEntries([...account.hard.keys()].map((each) => [each, String(amountOf(account.used, each))])),
      },
    }));
  } catch (error) {
    // Deleted meanwhile.
    if (!(error instanceof StatusError) || error.code !== 404) throw error;
  }
}
