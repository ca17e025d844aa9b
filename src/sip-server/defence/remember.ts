/** Puts an entry last in a map, and lets the first go where there are more than `most`: that one was not heard of for longest. */
export function remember<T>(map: Map<string, T>, name: string, value: T, most: number): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= most) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    break;
  }
}
