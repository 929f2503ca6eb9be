// Which addresses count as one client for rate limits.

import * as ip from "hono/utils/ipaddr";

/**
 * An IPv6 client usually owns a whole /64 and could use a new address for every request.
 * @param address IPv4, or IPv6 in any spelling, also of an IPv4 address
 * @returns one text per client; empty for everything that is not an address
 */
export function limitedAddress(address: string): string {
  const [text = ""] = address.split("%", 1); // %eth0 is a zone
  try {
    if (!text.includes(":")) return ip.convertIPv4BinaryToString(ip.convertIPv4ToBinary(text));
    const bits = ip.convertIPv6ToBinary(text);
    if (ip.isIPv4MappedIPv6(bits)) return ip.convertIPv4BinaryToString(ip.convertIPv4MappedIPv6ToIPv4(bits));
    return `${ip.convertIPv6BinaryToString((bits >> 64n) << 64n)}/64`;
  } catch {
    return "";
  }
}
