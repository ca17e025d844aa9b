import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../test/support/source-files.js';
import { validate } from './operation.js';
import { newTrunkFrom, readTrunkPresets, type TrunkPreset } from './trunk-presets.js';

const carrier: TrunkPreset = {
  name: 'carrier',
  title: 'A carrier',
  sources: [{ url: 'https://carrier.example/', read: '2026-01-02' }],
  fillIn: [{ anyOf: ['outbound.fromDomain', 'inbound.digest'], why: 'it wants to know' }],
  trunk: {
    name: 'Carrier',
    inbound: { networks: ['192.0.2.0/30'], callerIdentity: 'from' },
    outbound: { targets: [{ host: 'sip.carrier.example' }], ping: { seconds: 60 } },
  },
};
const schema = newTrunkFrom([carrier, { ...carrier, name: 'other' }]);
const fill = (body: unknown) => validate(schema, body);
const outbound = { fromDomain: 'us.example' };

describe('A preset', () => {
  it('fills in what the body leaves out, field by field', () => {
    expect(fill({ preset: 'carrier', inbound: { stir: 'report' }, outbound })).toMatchObject({
      name: 'Carrier',
      inbound: { networks: ['192.0.2.0/30'], callerIdentity: 'from', stir: 'report' },
      outbound: { targets: [{ host: 'sip.carrier.example' }], fromDomain: 'us.example' },
    });
  });

  it('yields to what the body says: to its lists as a whole, and to null', () => {
    const inbound = { networks: ['198.51.100.7'], digest: { username: 'us', password: 'long enough' } };
    const filled = fill({ preset: 'carrier', name: null, inbound, outbound: null });
    expect(filled).toMatchObject({ name: null, outbound: null });
    expect(filled.inbound?.networks).toEqual(['198.51.100.7']);
  });

  it('gives the same as its fields, written out', () => {
    const { trunk } = carrier;
    const written = { ...trunk, outbound: { ...(trunk['outbound'] as object), ...outbound } };
    const { preset: _, ...filled } = fill({ preset: 'carrier', outbound });
    expect(fill(written)).toEqual(filled);
  });

  it('of a name that is unknown is refused, and the known ones are told', () => {
    expect(() => fill({ preset: 'nobody', outbound })).toThrow(/^preset: must be one of carrier, other$/);
  });

  it('that needs more than it can know is refused without it', () => {
    expect(() => fill({ preset: 'carrier' })).toThrow(
      /^outbound.fromDomain: is needed with the preset carrier, or inbound.digest: it wants to know$/,
    );
  });

  it('hides no mistake of the body', () => {
    expect(() => fill({ preset: 'carrier', outbound, inbound: { network: [] } })).toThrow(
      /inbound.network: is not known here/,
    );
    expect(() => fill({ preset: 'carrier', outbound, inbound: 'all' })).toThrow(/inbound: must be an object/);
  });

  it('is none in requests without one, or with null', () => {
    expect(fill({})).toEqual({ enabled: true });
    expect(fill({ preset: null })).toEqual({ preset: null, enabled: true });
    for (const body of [undefined, [], 'carrier']) expect(() => fill(body)).toThrow(/request body/);
  });
});

describe('The files of presets', () => {
  const read = (text: string) => {
    const directory = mkdtempSync(join(tmpdir(), 'landbridge-presets-'));
    writeFileSync(join(directory, 'one.json'), text);
    try {
      return readTrunkPresets(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
  const file = ({ name: _, ...rest }: TrunkPreset, trunk = rest.trunk) => JSON.stringify({ ...rest, trunk });

  it('are each a part of a trunk, and known by their names', () => {
    expect(read(file(carrier))).toEqual([{ ...carrier, name: 'one' }]);
  });

  it('that are none name themselves', () => {
    for (const text of ['{}', file(carrier, { inwards: {} }), file(carrier, { inbound: { networks: '*' } })])
      expect(() => read(text)).toThrow(/one\.json is no preset/);
  });

  it('of the product can all be read', () => {
    const presets = readTrunkPresets(join(projectRoot, 'assets/trunk-presets'));
    expect(presets.map(({ name }) => name)).toEqual([
      ...['asterisk', 'avaya', 'bandwidth', 'cisco', 'freeswitch', 'plivo', 'teams', 'telnyx', 'twilio'],
      'vonage',
    ]);
  });
});
