/** Webhooks in SQLite. */
import type { EventType } from '../../domain/facts/event.js';
import type { Webhook, WebhookStore } from '../../domain/facts/webhook.js';
import type { SqliteConnection } from './sqlite-connection.js';

interface WebhookRow {
  readonly id: string;
  readonly account_id: string;
  readonly url: string;
  readonly fallback_url: string | null;
  readonly events: string | null;
  readonly secret: string;
  readonly created_at: number;
}

export class SqliteWebhooks implements WebhookStore {
  readonly #connection: SqliteConnection;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#sql = prepare(connection);
  }

  createWebhook(webhook: Webhook, limit: number): Promise<boolean> {
    const { id, accountId, url, fallbackUrl, events, secret, createdAt } = webhook;
    return this.#connection.writeDurably(() => {
      const { webhooks } = this.#sql.count.get(accountId) as { webhooks: number };
      if (webhooks >= limit) return false;
      const types = events === null ? null : JSON.stringify(events);
      this.#sql.insert.run(id, accountId, url, fallbackUrl, types, secret, createdAt);
      return true;
    });
  }

  listWebhooks(): Promise<readonly Webhook[]> {
    return this.#connection.read(() => (this.#sql.list.all() as WebhookRow[]).map(toWebhook));
  }

  deleteWebhook(accountId: string, webhookId: string): Promise<boolean> {
    return this.#connection.run(() => this.#sql.remove.run(webhookId, accountId).changes === 1);
  }
}

function prepare(connection: SqliteConnection) {
  return {
    count: connection.prepare('SELECT count(*) AS webhooks FROM webhooks WHERE account_id = ?'),
    insert: connection.prepare(
      `INSERT INTO webhooks (id, account_id, url, fallback_url, events, secret, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    list: connection.prepare('SELECT * FROM webhooks ORDER BY created_at, rowid'),
    remove: connection.prepare('DELETE FROM webhooks WHERE id = ? AND account_id = ?'),
  };
}

function toWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id,
    accountId: row.account_id,
    url: row.url,
    fallbackUrl: row.fallback_url,
    events: row.events === null ? null : (JSON.parse(row.events) as EventType[]),
    secret: row.secret,
    createdAt: row.created_at,
  };
}
