/** Whose an address is, as far as limits go: one IPv4 address, or one IPv6 network of 64 bits, which is one customer's. Pure. */
export function sourceNetwork(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = ''] = address.split('::', 1);
  return [...head.split(':').filter((group) => group !== ''), '0', '0', '0', '0'].slice(0, 4).join(':');
}
