/** This browser's own part: its microphone and camera, and what it receives. */
import type { ConsoleApp } from '../console-app.js';
import { legsByParticipant } from '../state.js';
import { shortId } from '../model.js';
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
      tilesOf(heard).map((one) => tile(app, call, one)),
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

/** A tile for each picture, and one for each participant that sends none. */
function tilesOf(heard: readonly Heard[]): Heard[] {
  const pictured = new Set(heard.filter(hasPicture).map(({ stream }) => stream.participantId));
  const seen = new Set<string>();
  return heard.filter((one) => {
    const { participantId } = one.stream;
    if (hasPicture(one)) return true;
    if (pictured.has(participantId) || seen.has(participantId)) return false;
    seen.add(participantId);
    return true;
  });
}

function hasPicture({ stream }: Heard): boolean {
  return stream.mediaTypes.includes('VIDEO');
}

function tile(app: ConsoleApp, call: OwnCall, heard: Heard): VNode {
  const { participantId, streamId, alias, mediaStream } = heard.stream;
  const kind = legsByParticipant(app.state).get(participantId)?.kind ?? 'browser';
  const sound = call.soundOf(participantId);
  return h(
    'div',
    { class: `tile ${kind}`, key: streamId, 'data-speaks': true },
    hasPicture(heard)
      ? video(mediaStream, streamId)
      : h('span', { class: `avatar ${kind}` }, icon(kind === 'phone' ? 'phone' : 'mic')),
    h(
      'div',
      { class: 'tile-foot' },
      h('span', { class: 'tile-name' }, app.state.names.get(participantId) ?? shortId(participantId)),
      alias !== 'microphone' && alias !== 'camera' && h('span', { class: 'badge' }, alias),
      sound !== undefined && meter(sound.level, sound.stream.streamId),
    ),
  );
}
