/** This browser's own part: its microphone and camera, and what it receives. */
import type { ConsoleApp } from '../console-app.js';
import { legsByParticipant } from '../state.js';
import { sessionName, shortId } from '../model.js';
import type { OwnCall } from '../own-call.js';
import { stageTiles, type StageTile } from '../tiles.js';
import { h, type Child, type VNode } from '../view/h.js';
import { icon } from '../view/icons.js';
import { button, meter, video } from '../view/widgets.js';

export function stage(app: ConsoleApp, sessionId: string): Child {
  const { call, busy, members } = app.state;
  if (call === null || call.sessionId !== sessionId) {
    return (
      busy.has('join') && h('div', { class: 'stage joining', key: 'joining', role: 'status' }, 'Joining…')
    );
  }
  const tiles = stageTiles(call.participants.values());
  const isMember = members?.some(({ id }) => id === call.participantId) ?? true;
  return h(
    'section',
    { class: 'stage', key: 'stage', 'aria-label': 'Your connection' },
    h(
      'div',
      { class: 'tiles' },
      ownTile(call),
      tiles.map((one) => tile(app, call, one)),
    ),
    tiles.length === 0 &&
      h(
        'p',
        { class: 'note' },
        isMember
          ? 'You hear nobody yet. Call in as a phone, or let somebody else join.'
          : 'You are not in the session now, so you hear nobody. Add yourself again below.',
      ),
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

/** Says that this browser is connected while its session is not the one that is shown. */
export function callBar(app: ConsoleApp): Child {
  const { call, sessions, selectedId, busy } = app.state;
  const session = sessions?.find(({ id }) => id === call?.sessionId);
  if (call === null || (call.sessionId === selectedId && session !== undefined)) return null;
  return h(
    'div',
    { class: 'call-bar', key: 'call-bar', role: 'region', 'aria-label': 'Your connection' },
    icon('mic'),
    h(
      'span',
      { class: 'call-bar-text' },
      session === undefined
        ? 'You are still connected. Your session is gone.'
        : ['You are in ', h('a', { href: `#/sessions/${session.id}` }, sessionName(session))],
    ),
    button(call.muted ? 'Unmute' : 'Mute', () => app.toggleMute(), {
      icon: call.muted ? 'micOff' : 'mic',
      pressed: call.muted,
      look: 'quiet',
    }),
    button('Leave', () => app.leave(), { icon: 'hangUp', look: 'danger', busy: busy.has('leave') }),
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

function tile(
  app: ConsoleApp,
  call: OwnCall,
  { key, participantId, picture, hasSound, badges }: StageTile,
): VNode {
  const kind = legsByParticipant(app.state).get(participantId)?.kind ?? 'browser';
  const sound = hasSound ? call.soundOf(participantId) : undefined;
  return h(
    'div',
    { class: `tile ${kind}`, key, 'data-speaks': true },
    picture === null
      ? h('span', { class: `avatar ${kind}` }, icon(kind === 'phone' ? 'phone' : 'mic'))
      : video(picture.mediaStream, picture.streamId),
    h(
      'div',
      { class: 'tile-foot' },
      h('span', { class: 'tile-name' }, app.state.names.get(participantId) ?? shortId(participantId)),
      badges.map((text) => h('span', { class: 'badge' }, text)),
      sound !== undefined && meter(sound.level, sound.stream.streamId),
    ),
  );
}
