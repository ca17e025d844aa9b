/** The states of a request other than INVITE that came in, as a table. */
import { to, type Machine, type TimerInput } from './machine.js';

/**
 * The non-INVITE server transaction: RFC 3261 §17.2.2.
 *
 *                  request │ pass
 *                          ▼
 *                    ┌──────────┐ request: absorb
 *                    │  trying  │
 *                    └──────────┘
 *           1xx: send │        │ 200–699: send
 *                     ▼        │
 *   request: resend ┌────────────┐
 *   1xx: send   ┌───│ proceeding │
 *               └──►└────────────┘
 *                     │ 200–699: send
 *                     ▼        ▼
 *                    ┌───────────┐ request: resend
 *                    │ completed │
 *                    └───────────┘
 *                          │ J
 *                          ▼
 *                     terminated
 */
export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteServerInput =
  | 'request'
  | 'send 1xx'
  | 'send 2xx'
  | 'send 3xx-6xx'
  | 'transport error'
  | 'abandon'
  | Extract<TimerInput, 'timer J'>;

export const nonInviteServerMachine: Machine<NonInviteServerState, NonInviteServerInput> = {
  trying: {
    request: to('trying'), //                                                     §17.2.2: absorbed
    'send 1xx': to('proceeding', 'send'), //                                      §17.2.2
    'send 2xx': to('completed', 'send', 'start J'), //                            §17.2.2
    'send 3xx-6xx': to('completed', 'send', 'start J'), //                        §17.2.2
    abandon: to('terminated'), //                                                 RFC 4320 §4.2: too late to answer
  },
  proceeding: {
    request: to('proceeding', 'resend'), //                                       §17.2.2
    'send 1xx': to('proceeding', 'send'), //                                      §17.2.2
    'send 2xx': to('completed', 'send', 'start J'), //                            §17.2.2
    'send 3xx-6xx': to('completed', 'send', 'start J'), //                        §17.2.2
    'transport error': to('proceeding', 'inform transport error'), //             RFC 6026 §8.7: stays
    abandon: to('terminated'),
  },
  completed: {
    request: to('completed', 'resend'), //                                        §17.2.2
    'timer J': to('terminated'), //                                               §17.2.2
    'transport error': to('completed', 'inform transport error'), //              RFC 6026 §8.7: stays
    abandon: to('terminated'),
  },
  terminated: {},
};
