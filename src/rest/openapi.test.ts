import { describe, expect, it } from 'vitest';
import type { DtmfService } from '../domain/keys/dtmf-service.js';
import type { LegRegistry } from '../domain/legs/leg-registry.js';
import type { NumberService } from '../domain/numbers/number-service.js';
import type { PlaybackService } from '../domain/sounds/playback-service.js';
import type { RecordingService } from '../domain/recordings/recording-service.js';
import type { SessionService } from '../domain/sessions/session-service.js';
import type { SoundService } from '../domain/sounds/sound-service.js';
import { formatDocsPage, type OpenApiDocument } from './docs-page.js';
import type { TransferService } from '../domain/transfers/transfer-service.js';
import { dtmfOperations } from './dtmf.js';
import { eventsDescription } from './events.js';
import { legOperations } from './legs.js';
import { memberOperations } from './members.js';
import { createOpenApiDocument } from './openapi.js';
import { numberOperations } from './numbers.js';
import { participantOperations } from './participants.js';
import { playbackOperations } from './playbacks.js';
import { recordingOperations } from './recordings.js';
import { phoneCallOperations, type PhoneCaller } from './phone-calls.js';
import { sessionOperations } from './sessions.js';
import { soundOperations } from './sounds.js';
import { transferOperations } from './transfers.js';

// Describing needs no services: nothing here is run.
const sessions = {} as SessionService;
const operations = [
  ...participantOperations(sessions),
  ...sessionOperations(sessions),
  ...memberOperations(sessions),
  ...legOperations({} as LegRegistry),
  ...phoneCallOperations({} as PhoneCaller),
  ...transferOperations({
    transfers: {} as TransferService,
    sessions,
    dialects: { platforms: ['twilio'], format: () => ({ contentType: '', body: '' }) },
    address: () => ({ sipUri: '', sipHost: '', sipTransport: null, timeoutSeconds: 30 }),
  }),
  ...soundOperations({} as SoundService),
  ...playbackOperations({} as PlaybackService),
  ...dtmfOperations({} as DtmfService),
  ...recordingOperations({} as RecordingService),
  ...numberOperations({ numbers: {} as NumberService, platforms: ['twilio'], hookUrl: () => '' }),
  eventsDescription,
];
const document = createOpenApiDocument(operations, '1.2.3') as unknown as OpenApiDocument;

/** Every `$ref` in the document. */
function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' ? [String(inner)] : references(inner),
  );
}

describe('The OpenAPI document', () => {
  it('has Bandwidth’s eleven operations under their names, paths and status codes', () => {
    const bandwidth: Record<string, [string, string, string]> = {
      createParticipant: ['post', '/participants', '200'],
      getParticipant: ['get', '/participants/{participantId}', '200'],
      deleteParticipant: ['delete', '/participants/{participantId}', '204'],
      createSession: ['post', '/sessions', '200'],
      getSession: ['get', '/sessions/{sessionId}', '200'],
      deleteSession: ['delete', '/sessions/{sessionId}', '204'],
      listSessionParticipants: ['get', '/sessions/{sessionId}/participants', '200'],
      addParticipantToSession: ['put', '/sessions/{sessionId}/participants/{participantId}', '204'],
      removeParticipantFromSession: ['delete', '/sessions/{sessionId}/participants/{participantId}', '204'],
      getParticipantSubscriptions: [
        'get',
        '/sessions/{sessionId}/participants/{participantId}/subscriptions',
        '200',
      ],
      updateParticipantSubscriptions: [
        'put',
        '/sessions/{sessionId}/participants/{participantId}/subscriptions',
        '204',
      ],
    };
    for (const [operationId, [method, path, status]] of Object.entries(bandwidth)) {
      const operation = document.paths[`/accounts/{accountId}${path}`]?.[method];
      expect(operation?.operationId).toBe(operationId);
      expect(Object.keys(operation?.responses ?? {})).toContain(status);
    }
  });

  it('names every operation once and declares every parameter of its path', () => {
    const all = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.values(item).map((operation) => ({ path, operation })),
    );
    expect(new Set(all.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
    for (const { path, operation } of all) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(operation.parameters.filter((each) => each.in === 'path').map(({ name }) => name)).toEqual(
        inPath,
      );
    }
  });

  it('refers only to what it has', () => {
    const all = references(document);
    expect(all.length).toBeGreaterThan(100);
    for (const reference of all) {
      const target = reference
        .slice(2)
        .split('/')
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
      expect(target, reference).toBeDefined();
    }
  });

  it('holds the limits that validation has', () => {
    expect(document.components.schemas).toMatchObject({
      NewSession: {
        type: 'object',
        properties: { tag: { anyOf: [{ type: 'string', maxLength: 50 }, { type: 'null' }] } },
      },
      NewParticipant: { properties: { publishPermissions: { uniqueItems: true } } },
      Participant: {
        required: expect.arrayContaining(['id', 'sessions', 'subscriptions']),
      },
      RequestError: { required: ['error', 'code', 'requestId'] },
      AccessError: { required: ['error', 'code', 'requestId', 'message'] },
      ErrorCode: { enum: expect.arrayContaining(['invalid-request', 'session-full']) },
    });
    const createTransfer = document.paths['/accounts/{accountId}/transfers']?.['post'];
    expect(createTransfer?.parameters.map(({ name }) => name)).toEqual(['accountId', 'Idempotency-Key']);
    const limit = document.paths['/accounts/{accountId}/sessions']?.['get']?.parameters.find(
      ({ name }) => name === 'limit',
    );
    expect(limit?.schema).toEqual({ type: 'integer', minimum: 1, maximum: 1000 });
    expect(document.components.responses['Error401']).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/AccessError' } } },
    });
  });
});

describe('The documentation page', () => {
  const page = formatDocsPage(document);

  it('shows every operation and schema', () => {
    for (const { operationId, summary } of operations) {
      expect(page).toContain(`id="${operationId}"`);
      expect(page).toContain(summary);
    }
    for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`>${name}</h3>`);
  });

  it('loads nothing from elsewhere, runs nothing, and links to what is there', () => {
    expect(page).not.toMatch(/<script|style=|https?:|\bon\w+=/);
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(ids, target).toContain(target);
  });

  it('escapes what it shows', () => {
    const hostile = { ...document, info: { ...document.info, title: '<img src=x onerror="1">&' } };
    expect(formatDocsPage(hostile)).toContain('&lt;img src=x onerror=&quot;1&quot;&gt;&amp;');
  });
});
