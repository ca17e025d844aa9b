/**
 * The routing webhook: asks an account's application where a call goes. It is signed like our other webhooks and has one try and a
 * short wait, since somebody is on the phone. A wrong answer harms nobody but this call.
 */
import * as z from 'zod';
import type { Clock } from '../domain/clock.js';
import type { ApplicationAnswer, AskApplication } from '../domain/numbers/phone-number.js';
import type { OutgoingHttp } from './outgoing.js';

export interface ApplicationQuestionOptions {
  readonly http: OutgoingHttp;
  /** Makes the signature of a body, `t=…,v1=…`. */
  readonly sign: (secret: string, body: string, nowMs: number) => string;
  readonly clock: Clock;
}

/** Questions on their way at once, for all numbers. */
const maxConcurrent = 200;
/** Questions on their way at once for one number: one whose application hangs leaves room for the others. */
const maxPerNumber = 20;

const participantFields = {
  tag: z.string().max(50).nullish(),
  displayName: z.string().min(1).max(100).nullish(),
  publishPermissions: z
    .array(z.enum(['AUDIO', 'VIDEO']))
    .max(2)
    .nullish(),
};

const answerSchema = z.union([
  z.object({ sessionId: z.uuid(), ...participantFields }),
  z.object({
    newSession: z.object({ tag: z.string().max(50).nullish() }).or(z.literal(true)),
    ...participantFields,
  }),
  z.object({ refuse: z.string().max(200).or(z.literal(true)) }),
]);

export function createApplicationQuestion(options: ApplicationQuestionOptions): AskApplication {
  const { http, sign, clock } = options;
  const asking = new Map<string, number>();
  let total = 0;
  return async (route, { numberId, number, platform, call }) => {
    const ofNumber = asking.get(numberId) ?? 0;
    if (total >= maxConcurrent || ofNumber >= maxPerNumber) throw new Error('too many questions at once');
    total += 1;
    asking.set(numberId, ofNumber + 1);
    const question = { numberId, number, platform, ...call };
    const body = JSON.stringify(question);
    try {
      const headers = {
        'content-type': 'application/json',
        'landbridge-signature': sign(route.secret, body, clock.now()),
      };
      return readAnswer(await http.post(route.url, headers, body));
    } finally {
      total -= 1;
      const left = (asking.get(numberId) ?? 1) - 1;
      if (left === 0) asking.delete(numberId);
      else asking.set(numberId, left);
    }
  };
}

/** Throws where the text is no answer to the question. */
function readAnswer(text: string): ApplicationAnswer {
  const parsed = answerSchema.safeParse(parseJson(text));
  // The error does not repeat the text, which may hold anything; that of JSON.parse would.
  if (!parsed.success) throw new Error('the application answered something else than a session or a refusal');
  const answer = parsed.data;
  if ('refuse' in answer) return { refused: answer.refuse === true ? '' : answer.refuse };
  const participant = {
    tag: answer.tag ?? null,
    displayName: answer.displayName ?? null,
    publishPermissions: answer.publishPermissions ?? null,
  };
  if ('sessionId' in answer) {
    return { destination: { sessionId: answer.sessionId.toLowerCase() }, ...participant };
  }
  const tag = answer.newSession === true ? null : (answer.newSession.tag ?? null);
  return { destination: { newSession: { tag } }, ...participant };
}

/** Undefined for what is no JSON, which is no answer either. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
