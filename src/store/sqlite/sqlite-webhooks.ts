/** Webhooks in SQLite. */
import type { Webhook, WebhookStore } from '../../domain/facts/webhook.js';
import { RowMapping } from './row-mapping.js';
import type { SqliteConnection } from './sqlite-connection.js';

const webhookRows = new RowMapping<Webhook>('webhooks', {
  id: 'id',
  accountId: 'account_id',
  url: 'url',
  fallbackUrl: 'fallback_url',
  events: { json: 'events' },
  secret: 'secret',
  createdAt: 'created_at',
});

export class SqliteWebhooks implements WebhookStore {
  readonly #connection: SqliteConnection;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#sql = prepare(connection);
  }

  createWebhook(webhook: Webhook, limit: number): Promise<boolean> {
    return this.#connection.writeDurably(() => {
      const { webhooks } = this.#sql.count.get(webhook.accountId) as { webhooks: number };
      if (webhooks >= limit) return false;
      this.#sql.insert.run(...webhookRows.values(webhook));
      return true;
    });
  }

  listWebhooks(): Promise<readonly Webhook[]> {
    return this.#connection.read(() => webhookRows.readAll(this.#sql.list.all()));
  }

  deleteWebhook(accountId: string, webhookId: string): Promise<boolean> {
    return this.#connection.run(() => this.#sql.remove.run(webhookId, accountId).changes === 1);
  }
}

function prepare(connection: SqliteConnection) {
  return {
    count: connection.prepare('SELECT count(*) AS webhooks FROM webhooks WHERE account_id = ?'),
    insert: connection.prepare(webhookRows.insertSql()),
    list: connection.prepare('SELECT * FROM webhooks ORDER BY created_at, rowid'),
    remove: connection.prepare('DELETE FROM webhooks WHERE id = ? AND account_id = ?'),
  };
}
