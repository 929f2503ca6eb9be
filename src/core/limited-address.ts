// Which addresses count as one client for rate limits.

/**
 * An IPv6 client usually owns a whole /64 and could use a new address for every request.
 * @param address IPv4 or IPv6; other text is returned unchanged
 */
export function limitedAddress(address: string): string {
  if (!address.includes(":")) return address;
  const halves = (address.toLowerCase().split("%", 1)[0] as string).split("::", 2);
  const [before = [], after = []] = halves.map((half) => half.split(":").filter((group) => group !== ""));
  const omitted = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const network = [...before, ...omitted, ...after].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${network.join(":")}::/64`;
}
