import { expect, it } from 'vitest';
import { systemClock } from '../domain/clock.js';
import { createApplicationQuestion } from './application-question.js';

const route = { kind: 'application', url: 'https://app.example/', secret: 's' } as const;

function answered(text: string) {
  const ask = createApplicationQuestion({
    http: { post: () => Promise.resolve(text) },
    sign: () => 't=1,v1=x',
    clock: systemClock,
  });
  const call = { voiceCallId: null, from: null, to: null } as unknown as Parameters<typeof ask>[1]['call'];
  return ask(route, { numberId: 'n', number: '+14155550100', platform: null, call });
}

it.each([['no JSON: my-password'], ['{"sessionId":"my-password"}'], ['']])(
  'refuses an answer that is none, %j, with an error that does not repeat it',
  async (text) => {
    const error = await answered(text).then(
      () => null,
      (reason: unknown) => reason as Error,
    );
    expect(error?.message).toBe('the application answered something else than a session or a refusal');
    expect(error?.message).not.toContain('my-password');
  },
);

it('takes a session and a refusal', async () => {
  expect(await answered('{"refuse":true}')).toEqual({ refused: '' });
  expect(await answered('{"newSession":true}')).toMatchObject({ destination: { newSession: { tag: null } } });
});
