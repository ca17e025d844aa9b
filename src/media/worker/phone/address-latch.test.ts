import { describe, expect, it } from 'vitest';
import { AddressLatch } from './address-latch.js';

const phone = { address: '198.51.100.7', port: 4000 };

describe('AddressLatch', () => {
  it('sends to the signalled address until packets come from another, then there', () => {
    const latch = new AddressLatch();
    expect(latch.destination).toBeNull();
    latch.signal({ address: '10.0.0.5', port: 4000 }, 0);
    expect(latch.destination).toEqual({ address: '10.0.0.5', port: 4000 });
    expect(latch.onPacket(phone.address, phone.port, 1)).toBe('locked');
    expect(latch.destination).toEqual(phone);
  });

  it('knows the locked address from strangers, by address and by port', () => {
    const latch = new AddressLatch();
    latch.onPacket(phone.address, phone.port, 0);
    expect(latch.onPacket(phone.address, phone.port, 1)).toBe('peer');
    expect(latch.onPacket(phone.address, 4002, 1)).toBe('stranger');
    expect(latch.onPacket('203.0.113.1', phone.port, 1)).toBe('stranger');
    expect(latch.destination).toEqual(phone);
  });

  it('leaves a stranger that came first for the address that the SDP names, and never again', () => {
    const latch = new AddressLatch();
    latch.signal(phone, 0);
    expect(latch.onPacket('203.0.113.1', 9, 1)).toBe('locked');
    expect(latch.onPacket(phone.address, phone.port, 2)).toBe('locked');
    expect(latch.onPacket('203.0.113.1', 9, 3)).toBe('stranger');
    expect(latch.onPacket(phone.address, phone.port, 4)).toBe('peer');
    expect(latch.destination).toEqual(phone);
  });

  it('stays locked when a re-INVITE repeats the address, or names the one locked on to', () => {
    const latch = new AddressLatch();
    latch.signal({ address: '10.0.0.5', port: 4000 }, 0);
    latch.onPacket(phone.address, phone.port, 1);
    latch.signal({ address: '10.0.0.5', port: 4000 }, 2);
    latch.signal(phone, 3);
    expect(latch.locked).toBe(true);
  });

  it('follows a re-INVITE, and is not caught by what still comes from the old address', () => {
    const latch = new AddressLatch();
    latch.signal(phone, 0);
    latch.onPacket(phone.address, phone.port, 1);
    const moved = { address: '198.51.100.8', port: 5000 };
    latch.signal(moved, 1000);
    expect(latch.destination).toEqual(moved);
    expect(latch.onPacket(phone.address, phone.port, 1010)).toBe('peer');
    expect(latch.destination).toEqual(moved);
    expect(latch.onPacket(moved.address, moved.port, 1020)).toBe('locked');
    expect(latch.onPacket(phone.address, phone.port, 2999)).toBe('peer');
    expect(latch.onPacket(phone.address, phone.port, 3001)).toBe('stranger');
  });
});
