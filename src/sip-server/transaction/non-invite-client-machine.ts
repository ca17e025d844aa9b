/** The states of a request other than INVITE that went out, as a table. */
import { to, type Machine, type TimerInput } from './machine.js';

/**
 * The non-INVITE client transaction: RFC 3261 §17.1.2.
 *
 *                request │ send
 *                        ▼
 *         E: resend ┌────────┐ F, transport error: inform ──► terminated
 *               ┌───│ trying │
 *               └──►└────────┘
 *          1xx: pass │      │ 200–699: pass
 *                    ▼      │
 *   E: resend ┌────────────┐│ F, transport error: inform ──► terminated
 *         ┌───│ proceeding ││
 *         └──►└────────────┘│
 *      200–699: pass │      │
 *                    ▼      ▼
 *                 ┌───────────┐ any response: absorb
 *                 │ completed │
 *                 └───────────┘
 *                       │ K
 *                       ▼
 *                  terminated
 */
export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteClientInput =
  | '1xx'
  | '2xx'
  | '3xx-6xx'
  | 'transport error'
  | 'flow closed'
  /** It is sent to another server: nobody waits for the answer of this one. */
  | 'abandoned'
  | Extract<TimerInput, 'timer E' | 'timer F' | 'timer K'>;

export const nonInviteClientMachine: Machine<NonInviteClientState, NonInviteClientInput> = {
  trying: {
    'timer E': to('trying', 'resend', 'start E'), //                              §17.1.2.2
    'timer F': to('terminated', 'inform timeout'), //                             §17.1.2.2
    '1xx': to('proceeding', 'pass'), //                                           §17.1.2.2
    '2xx': to('completed', 'stop E', 'stop F', 'start K', 'pass'), //             §17.1.2.2
    '3xx-6xx': to('completed', 'stop E', 'stop F', 'start K', 'pass'), //         §17.1.2.2
    'transport error': to('terminated', 'inform transport error'), //             §17.1.2.2
    'flow closed': to('terminated', 'inform transport error'), //                 §18.4
    abandoned: to('terminated'),
  },
  proceeding: {
    'timer E': to('proceeding', 'resend', 'start E at T2'), //                    §17.1.2.2
    'timer F': to('terminated', 'inform timeout'), //                             §17.1.2.2
    '1xx': to('proceeding', 'pass'), //                                           §17.1.2.2
    '2xx': to('completed', 'stop E', 'stop F', 'start K', 'pass'), //             §17.1.2.2
    '3xx-6xx': to('completed', 'stop E', 'stop F', 'start K', 'pass'), //         §17.1.2.2
    'transport error': to('terminated', 'inform transport error'), //             §17.1.2.2
    'flow closed': to('terminated', 'inform transport error'), //                 §18.4
  },
  completed: {
    '1xx': to('completed'), //                                                    §17.1.2.2: absorbed
    '2xx': to('completed'), //                                                    §17.1.2.2: absorbed
    '3xx-6xx': to('completed'), //                                                §17.1.2.2: absorbed
    'timer K': to('terminated'), //                                               §17.1.2.2
    'flow closed': to('terminated'),
  },
  terminated: {},
};
