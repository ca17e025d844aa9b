/** The ACKs of 2xx responses. */
import { expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import {
  answerTo,
  app,
  core,
  dialogs,
  flow,
  publicId,
  request,
  settle,
  useCore,
  useFlow,
  useFreshCores,
} from '../../../test/support/user-agent-stage.js';

useFreshCores();

it('a call whose ACK finds no way to the far end is over, and its application hears of it', async () => {
  useFlow(new RecordedFlow('tcp'));
  useCore({}, 10, { connect: () => Promise.reject(new Error('nobody is there')) });
  await core.sendNew({ ...request('INVITE'), uri: 'sip:far@127.0.0.1' }, app);
  const [invite] = flow.requests;
  if (invite === undefined) throw new Error('no INVITE was sent');
  core.receive(answerTo(invite), flow);
  expect(app.heard).toEqual(['200']);
  flow.close();
  expect(await core.sendInDialog(publicId(), request('ACK'), app)).toMatchObject({ ok: false });
  await settle();
  expect(app.heard).toEqual(['200', 'ended']);
  expect(app.endedBecause).toContain('no way to the far end');
  expect(dialogs.size).toBe(0);
});
