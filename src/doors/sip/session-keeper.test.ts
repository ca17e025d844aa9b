import { expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { SessionKeeper } from './session-keeper.js';

function keeper() {
  const clock = new ManualClock();
  const told: string[] = [];
  const session = new SessionKeeper({
    clock,
    onDue: () => told.push('due'),
    onExpired: () => told.push('expired'),
  });
  return { clock, told, session };
}

it('refreshes again and again, whatever becomes of each', () => {
  const { clock, told, session } = keeper();
  session.begin({ seconds: 90, isOurs: true });
  clock.advance(29_999);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual(['due']);
  clock.advance(60_000);
  expect(told).toEqual(['due', 'due', 'due']);
});

it('waits for the far end a little longer than the SIP server does, and anew after each refresh', () => {
  const { clock, told, session } = keeper();
  session.begin({ seconds: 90, isOurs: false });
  clock.advance(60_000);
  session.begin({ seconds: 90, isOurs: false });
  clock.advance(94_999);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual(['expired']);
});

it('keeps nothing once there is no timer, or it is closed', () => {
  const { clock, told, session } = keeper();
  session.begin({ seconds: 90, isOurs: true });
  session.begin(null);
  clock.advance(100_000);
  session.begin({ seconds: 90, isOurs: false });
  session.close();
  session.begin({ seconds: 90, isOurs: false });
  clock.advance(100_000);
  expect(told).toEqual([]);
});
