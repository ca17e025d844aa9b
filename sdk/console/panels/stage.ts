/** This browser's own part: its microphone and camera, and what it receives. */
import type { ConsoleApp } from '../console-app.js';
import { legsByParticipant } from '../state.js';
import { nameOf, shortId } from '../model.js';
import type { Heard, OwnCall } from '../own-call.js';
import { h, type Child, type VNode } from '../view/h.js';
import { icon } from '../view/icons.js';
import { button, meter, video } from '../view/widgets.js';

export function stage(app: ConsoleApp, sessionId: string): Child {
  const { call, busy } = app.state;
  if (call === null || call.sessionId !== sessionId) {
    return (
      busy.has('join') && h('div', { class: 'stage joining', key: 'joining', role: 'status' }, 'Joining…')
    );
  }
  const heard = [...call.heard.values()];
  return h(
    'section',
    { class: 'stage', key: 'stage', 'aria-label': 'Your connection' },
    h(
      'div',
      { class: 'tiles' },
      ownTile(call),
      heard.map((one) => tile(app, one)),
    ),
    heard.length === 0 &&
      h('p', { class: 'note' }, 'You hear nobody yet. Call in as a phone, or let somebody else join.'),
    h(
      'div',
      { class: 'call-controls' },
      button(call.muted ? 'Unmute' : 'Mute', () => app.toggleMute(), {
        icon: call.muted ? 'micOff' : 'mic',
        pressed: call.muted,
      }),
      button(call.cameraStream === undefined ? 'Camera on' : 'Camera off', () => app.toggleCamera(), {
        icon: 'camera',
        busy: busy.has('camera'),
        pressed: call.cameraStream !== undefined,
      }),
      button('Leave', () => app.leave(), { icon: 'hangUp', look: 'danger', busy: busy.has('leave') }),
    ),
  );
}

function ownTile(call: OwnCall): VNode {
  const camera = call.cameraStream;
  return h(
    'div',
    { class: 'tile own', key: 'own', 'data-speaks': true },
    camera === undefined
      ? h('span', { class: 'avatar browser' }, icon('mic'))
      : video(camera, camera.id, true),
    h(
      'div',
      { class: 'tile-foot' },
      h('span', { class: 'tile-name' }, 'You'),
      call.muted ? h('span', { class: 'badge' }, 'Muted') : meter(call.ownLevel, 'own'),
    ),
  );
}

function tile(app: ConsoleApp, { stream, level }: Heard): VNode {
  const { members, participants } = app.state;
  const { participantId, streamId, alias, mediaStream, mediaTypes } = stream;
  const participant = [...(members ?? []), ...participants].find(({ id }) => id === participantId);
  const kind = legsByParticipant(app.state).get(participantId)?.kind ?? 'browser';
  const hasVideo = mediaTypes.includes('VIDEO');
  return h(
    'div',
    { class: `tile ${kind}`, key: streamId, 'data-speaks': true },
    hasVideo
      ? video(mediaStream, streamId)
      : h('span', { class: `avatar ${kind}` }, icon(kind === 'phone' ? 'phone' : 'mic')),
    h(
      'div',
      { class: 'tile-foot' },
      h(
        'span',
        { class: 'tile-name' },
        participant === undefined ? shortId(participantId) : nameOf(participant),
      ),
      alias !== 'microphone' && h('span', { class: 'badge' }, alias),
      mediaTypes.includes('AUDIO') && meter(level, streamId),
    ),
  );
}
