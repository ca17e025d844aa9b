/** Who is in the session, how they are connected, and what can be done with them. */
import type { ConsoleApp } from '../console-app.js';
import {
  callerText,
  nameOf,
  oneWayText,
  qualityText,
  shortId,
  withoutSessionText,
  type Leg,
  type Participant,
} from '../model.js';
import { legsByParticipant } from '../state.js';
import { h, type Child, type VNode } from '../view/h.js';
import { icon } from '../view/icons.js';
import { button, empty, meter, panel, since, skeleton } from '../view/widgets.js';

export function people(app: ConsoleApp, sessionId: string): VNode {
  const { members } = app.state;
  const legs = legsByParticipant(app.state);
  const connected = members?.filter(({ id }) => legs.has(id)).length ?? 0;
  const note = members === null ? null : `${members.length} in the session, ${connected} connected`;
  return panel(
    'Participants',
    {
      note,
      actions: button('Add participant', () => app.showDialog({ kind: 'add-participant' }), { icon: 'plus' }),
    },
    members === null
      ? skeleton(2)
      : members.length === 0
        ? empty(
            'people',
            'Nobody here yet',
            'Join with the microphone, call in as a phone, or add a participant.',
          )
        : h(
            'ul',
            { class: 'people' },
            members.map((member) => person(app, sessionId, member, legs.get(member.id))),
          ),
  );
}

/** Participants without a session: removed from one, or never added. */
export function outside(app: ConsoleApp, sessionId: string): Child {
  const legs = legsByParticipant(app.state);
  const without = app.state.participants.filter(({ sessions }) => (sessions?.length ?? 0) === 0);
  if (without.length === 0) return null;
  return panel(
    'Without a session',
    { note: withoutSessionText(without.flatMap(({ id }) => legs.get(id) ?? [])) },
    h(
      'ul',
      { class: 'people' },
      without.map((participant) => {
        const { id } = participant;
        const leg = legs.get(id);
        return h(
          'li',
          { class: 'person', key: id },
          identity(app, participant, leg),
          h(
            'div',
            { class: 'actions' },
            button('Add to this session', () => app.addToSession(sessionId, id), {
              title: 'Add to this session',
              icon: 'plus',
              busy: app.state.busy.has(`add ${id}`),
            }),
            more(participant, leg !== undefined && endLeg(app, leg), remove(app, participant)),
          ),
        );
      }),
    ),
  );
}

function person(app: ConsoleApp, sessionId: string, participant: Participant, leg: Leg | undefined): VNode {
  const { id } = participant;
  const { call, phoneCalls, busy } = app.state;
  const own = call?.participantId === id;
  return h(
    'li',
    { class: 'person', key: id, 'data-speaks': true },
    identity(app, participant, leg),
    h(
      'div',
      { class: 'actions' },
      !own && streamMutes(app, sessionId, participant),
      own
        ? button('Leave', () => app.leave(), {
            title: 'Leave the session',
            key: 'leave',
            icon: 'hangUp',
            busy: busy.has('leave'),
          })
        : phoneCalls.has(id)
          ? button('Hang up', () => app.hangUpPhone(id), {
              key: 'hang-up',
              icon: 'hangUp',
              title: 'Hang up as the caller',
              busy: busy.has(`hang-up ${id}`),
            })
          : leg !== undefined &&
            button('End call', () => app.endLeg(leg.id), {
              key: 'end',
              icon: 'hangUp',
              title: 'End the call from the gateway’s side',
              busy: busy.has(`end ${leg.id}`),
            }),
      more(
        participant,
        leg !== undefined && endLeg(app, leg),
        menuItem('Remove from the session', () => app.removeFromSession(sessionId, id)),
        remove(app, participant),
      ),
    ),
  );
}

function identity(app: ConsoleApp, participant: Participant, leg: Leg | undefined): VNode {
  const { id, tag } = participant;
  const kind = leg === undefined ? 'absent' : (leg.kind ?? 'absent');
  const name = nameOf(participant);
  const streams = leg?.streams ?? [];
  const heard = app.state.call?.soundOf(id);
  const caller = callerText(leg?.caller ?? null);
  const quality = qualityText(leg?.quality ?? null);
  const oneWay = oneWayText(leg?.quality ?? null);
  return h(
    'div',
    { class: 'identity' },
    h(
      'span',
      { class: `avatar ${kind}`, 'aria-hidden': 'true' },
      kind === 'phone' ? icon('phone') : name.slice(0, 1).toUpperCase(),
    ),
    h(
      'div',
      { class: 'who' },
      h(
        'div',
        { class: 'name-line' },
        h('strong', { title: id }, name),
        tag && tag !== name && h('span', { class: 'tag' }, tag),
        app.state.call?.participantId === id && h('span', { class: 'badge here' }, 'You'),
        kindBadge(leg),
        leg?.held === true && h('span', { class: 'badge hold' }, 'On hold'),
        oneWay !== '' && h('span', { class: 'badge hold', title: 'In the last ten seconds' }, oneWay),
      ),
      h(
        'div',
        { class: 'detail-line' },
        leg !== undefined &&
          leg.since !== null &&
          h('span', {}, h('span', { class: 'sr-only' }, 'for '), since(leg.since, id)),
        caller !== '' && h('span', { class: 'caller' }, h('span', { class: 'sr-only' }, 'caller '), caller),
        streams.length > 0 &&
          h(
            'span',
            {},
            h('span', { class: 'sr-only' }, 'publishes '),
            streams.map(({ alias }) => alias).join(', '),
          ),
        quality !== '' &&
          h(
            'span',
            { class: 'quality', title: 'What the gateway receives, and how both ways sound' },
            quality,
          ),
        leg !== undefined &&
          streams.length === 0 &&
          leg.state === 'established' &&
          h('span', {}, 'publishes nothing'),
        leg === undefined && h('code', {}, shortId(id)),
        heard !== undefined && meter(heard.level, heard.stream.streamId),
      ),
    ),
  );
}

/** One button for each stream: nobody receives what is muted here. */
function streamMutes(app: ConsoleApp, sessionId: string, member: Participant): Child[] {
  return app.state.streams
    .filter(({ participantId }) => participantId === member.id)
    .map((stream) =>
      button(
        stream.muted ? `Unmute ${stream.alias}` : `Mute ${stream.alias}`,
        () => app.toggleStreamMute(sessionId, stream),
        {
          key: `mute ${stream.id}`,
          icon: stream.muted ? 'micOff' : stream.mediaTypes.includes('AUDIO') ? 'mic' : 'camera',
          iconOnly: true,
          look: 'quiet',
          title: `${stream.muted ? 'Unmute' : 'Mute'} ${nameOf(member)}’s ${stream.alias}`,
          pressed: stream.muted,
          busy: app.state.busy.has(`mute ${member.id} ${stream.alias}`),
        },
      ),
    );
}

function kindBadge(leg: Leg | undefined): VNode {
  if (leg === undefined) return h('span', { class: 'badge absent' }, 'Not connected');
  if (leg.state !== 'established') return h('span', { class: 'badge' }, 'Connecting');
  return leg.kind === 'phone'
    ? h('span', { class: 'badge phone' }, 'Phone, audio only')
    : h('span', { class: 'badge browser' }, 'Browser');
}

function endLeg(app: ConsoleApp, leg: Leg): VNode {
  return menuItem('End the call from the gateway’s side', () => app.endLeg(leg.id));
}

function remove(app: ConsoleApp, participant: Participant): VNode {
  return menuItem(
    'Delete participant',
    () =>
      app.showDialog({
        kind: 'confirm',
        title: `Delete “${nameOf(participant)}”?`,
        text: 'Its connection ends at once, and its token and join code no longer work.',
        action: 'Delete participant',
        confirm: () => app.deleteParticipant(participant.id),
      }),
    'danger',
  );
}

function menuItem(label: string, act: () => unknown, look = ''): VNode {
  return h(
    'button',
    {
      type: 'button',
      class: `menu-item ${look}`,
      onclick: (event: Event) => {
        (event.currentTarget as HTMLElement).closest('details')?.removeAttribute('open');
        act();
      },
    },
    label,
  );
}

function more(participant: Participant, ...items: Child[]): VNode {
  return h(
    'details',
    { class: 'menu', key: 'more' },
    h(
      'summary',
      { class: 'button quiet icon-only', 'aria-label': `More for ${nameOf(participant)}` },
      icon('more'),
    ),
    h('div', { class: 'menu-items' }, ...items),
  );
}
