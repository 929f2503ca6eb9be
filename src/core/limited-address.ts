// Which addresses count as one client for rate limits.

/** URL parsers also read 010.0.0.1 and 127.1, but in other ways than load balancers. */
const IPV4 = /^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/;
const IPV6 = /^(?=.*:)[0-9a-f:.]{2,45}$/i;

/**
 * An IPv6 client usually owns a whole /64 and could use a new address for every request.
 * @param address IPv4, or IPv6 in any spelling, also of an IPv4 address
 * @returns one text per client, at most 40 characters; empty for everything that is not an address
 */
export function limitedAddress(address: string): string {
  const [text = ""] = address.split("%", 1); // %eth0 is a zone
  if (!IPV4.test(text) && !IPV6.test(text)) return "";
  const host = hostOf(IPV4.test(text) ? text : `[${text}]`);
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(host);
  if (mapped !== null) {
    const [high, low] = mapped.slice(1).map((group) => Number.parseInt(group, 16)) as [number, number];
    return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
  }
  if (!host.startsWith("[")) return host;
  const [before = [], after = []] = host
    .slice(1, -1)
    .split("::")
    .map((half) => half.split(":").filter(Boolean));
  const omitted = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return `${[...before, ...omitted, ...after].slice(0, 4).join(":")}::/64`;
}

/** @returns the address as URLs write it: IPv6 in its short form */
function hostOf(host: string): string {
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname : "";
}
