// Addresses to listen on: `host:port`, with brackets around an IPv6 host.

export interface Address {
  host: string;
  port: number;
}

export const ADDRESS_PATTERN = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;

/** @returns host and port, or undefined where the text is no address such as `127.0.0.1:8080`. Port 0 takes any free one. */
export function parseAddress(text: string): Address | undefined {
  const match = ADDRESS_PATTERN.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: (match[1] ?? match[2]) as string, port };
}
