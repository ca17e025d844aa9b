import { describe, expect, it } from 'vitest';
import { inviteClientMachine } from './invite-client-machine.js';
import { inviteServerMachine } from './invite-server-machine.js';
import type { Edge } from './machine.js';
import { nonInviteClientMachine } from './non-invite-client-machine.js';
import { nonInviteServerMachine } from './non-invite-server-machine.js';

type Table = Readonly<Record<string, Readonly<Record<string, Edge<string>>>>>;

/** Every edge of RFC 3261 §17 with RFC 6026, written down once more: state, input, next state, actions. */
const edges: Record<string, { readonly table: Table; readonly edges: string }> = {
  'INVITE server': {
    table: inviteServerMachine,
    edges: `
      proceeding | request          | proceeding | resend
      proceeding | send 1xx         | proceeding | send
      proceeding | send 2xx         | accepted   | send, start L
      proceeding | send 3xx-6xx     | completed  | send, start G, start H
      proceeding | send 3xx-6xx once | completed | send, start H
      proceeding | transport error  | proceeding | inform transport error
      proceeding | abandon          | terminated |
      completed  | request          | completed  | resend
      completed  | ack              | confirmed  | stop G, stop H, start I
      completed  | timer G          | completed  | resend, start G
      completed  | timer H          | terminated | inform timeout
      completed  | transport error  | completed  | inform transport error
      completed  | abandon          | terminated |
      confirmed  | request          | confirmed  |
      confirmed  | ack              | confirmed  |
      confirmed  | timer I          | terminated |
      confirmed  | abandon          | terminated |
      accepted   | request          | accepted   |
      accepted   | ack              | accepted   | pass
      accepted   | send 2xx         | accepted   | send
      accepted   | timer L          | terminated |
      accepted   | transport error  | accepted   | inform transport error
      accepted   | abandon          | terminated |`,
  },
  'non-INVITE server': {
    table: nonInviteServerMachine,
    edges: `
      trying     | request          | trying     |
      trying     | send 1xx         | proceeding | send
      trying     | send 2xx         | completed  | send, start J
      trying     | send 3xx-6xx     | completed  | send, start J
      trying     | abandon          | terminated |
      proceeding | request          | proceeding | resend
      proceeding | send 1xx         | proceeding | send
      proceeding | send 2xx         | completed  | send, start J
      proceeding | send 3xx-6xx     | completed  | send, start J
      proceeding | transport error  | proceeding | inform transport error
      proceeding | abandon          | terminated |
      completed  | request          | completed  | resend
      completed  | timer J          | terminated |
      completed  | transport error  | completed  | inform transport error
      completed  | abandon          | terminated |`,
  },
  'INVITE client': {
    table: inviteClientMachine,
    edges: `
      calling    | timer A          | calling    | resend, start A
      calling    | timer B          | terminated | inform timeout
      calling    | 1xx              | proceeding | stop A, stop B, start C, pass
      calling    | 2xx              | accepted   | stop A, stop B, start M, pass
      calling    | 3xx-6xx          | completed  | stop A, stop B, acknowledge, start D, pass
      calling    | transport error  | terminated | inform transport error
      calling    | flow closed      | terminated | inform transport error
      calling    | abandoned        | calling    | stop A
      proceeding | 1xx              | proceeding | start C, pass
      proceeding | 2xx              | accepted   | stop B, stop C, start M, pass
      proceeding | 3xx-6xx          | completed  | stop B, stop C, acknowledge, start D, pass
      proceeding | cancelled        | proceeding | stop C, start B
      proceeding | timer C          | proceeding | cancel
      proceeding | timer B          | terminated | inform timeout
      proceeding | flow closed      | terminated | inform transport error
      completed  | 3xx-6xx          | completed  | acknowledge
      completed  | timer D          | terminated |
      completed  | transport error  | terminated | inform transport error
      completed  | flow closed      | terminated |
      accepted   | 2xx              | accepted   | pass
      accepted   | timer M          | terminated |`,
  },
  'non-INVITE client': {
    table: nonInviteClientMachine,
    edges: `
      trying     | timer E          | trying     | resend, start E
      trying     | timer F          | terminated | inform timeout
      trying     | 1xx              | proceeding | pass
      trying     | 2xx              | completed  | stop E, stop F, start K, pass
      trying     | 3xx-6xx          | completed  | stop E, stop F, start K, pass
      trying     | transport error  | terminated | inform transport error
      trying     | flow closed      | terminated | inform transport error
      trying     | abandoned        | terminated |
      proceeding | timer E          | proceeding | resend, start E at T2
      proceeding | timer F          | terminated | inform timeout
      proceeding | 1xx              | proceeding | pass
      proceeding | 2xx              | completed  | stop E, stop F, start K, pass
      proceeding | 3xx-6xx          | completed  | stop E, stop F, start K, pass
      proceeding | transport error  | terminated | inform transport error
      proceeding | flow closed      | terminated | inform transport error
      completed  | 1xx              | completed  |
      completed  | 2xx              | completed  |
      completed  | 3xx-6xx          | completed  |
      completed  | timer K          | terminated |
      completed  | flow closed      | terminated |`,
  },
};

function readEdges(text: string): { state: string; input: string; next: string; actions: string[] }[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [state = '', input = '', next = '', actions = ''] = line.split('|').map((cell) => cell.trim());
      return { state, input, next, actions: actions === '' ? [] : actions.split(', ') };
    });
}

describe.each(Object.entries(edges))('the %s machine', (_name, { table, edges: text }) => {
  const expected = readEdges(text);
  const inputs = [
    ...new Set(
      [...Object.values(edges).flatMap((machine) => readEdges(machine.edges))].map((edge) => edge.input),
    ),
  ];

  it.each(expected.map((edge) => [edge.state, edge.input, edge] as const))(
    'in %s takes %s as the RFC says',
    (state, input, edge) => {
      expect(table[state]?.[input]).toEqual({ next: edge.next, actions: edge.actions });
    },
  );

  it('ignores every other input in every state', () => {
    for (const [state, row] of Object.entries(table)) {
      for (const input of inputs) {
        const isEdge = expected.some((edge) => edge.state === state && edge.input === input);
        expect(row[input] !== undefined, `${state} × ${input}`).toBe(isEdge);
      }
    }
  });

  it('has no edge out of terminated and reaches every state', () => {
    expect(table['terminated']).toEqual({});
    const reached = new Set(expected.map((edge) => edge.next));
    const [initial] = Object.keys(table);
    for (const state of Object.keys(table)) expect(reached.has(state) || state === initial).toBe(true);
  });

  it('leaves no timer running that a state does not take', () => {
    // A timer that is started must be taken in the state that it is started into, or be stopped on the way.
    for (const edge of expected) {
      for (const action of edge.actions) {
        const timer = /^start ([A-M])/.exec(action)?.[1];
        if (timer !== undefined)
          expect(table[edge.next]?.[`timer ${timer}`], `${edge.next} ${timer}`).toBeDefined();
      }
    }
  });
});
