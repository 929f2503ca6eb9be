// The binding: where in the nextAuth Server's call each value stands. The vendor's format is not public, so the file says it.

/** One place to look. `body` names a JSON pointer (RFC 6901), the others a form parameter, header, query parameter or path segment. */
export interface Source {
  in: "body" | "form" | "header" | "query" | "path";
  name: string;
}

export interface Binding {
  method: "GET" | "POST";
  /** Compared with the request's path as it came, percent-encoding included; `{name}` stands for one segment. */
  path: string;
  /** For each value the places to look, first hit wins. */
  values: Readonly<Record<string, readonly Source[]>>;
}

const SOURCE_PATTERN = /^(body|form|header|query|path):(.*)$/s;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** @returns the source, or what is wrong with its text as a phrase that follows its path */
export function parseSource(text: string): Source | string {
  const match = SOURCE_PATTERN.exec(text);
  if (match === null) return "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME";
  const place = match[1] as Source["in"];
  const name = match[2] as string;
  if (name === "") return `must name something after "${place}:"`;
  switch (place) {
    case "body":
      if (!/^(?:\/(?:[^~/]|~[01])*)+$/.test(name)) return "must be a JSON pointer, like body:/userid (RFC 6901)";
      return { in: place, name };
    case "header":
      if (!TOKEN.test(name)) return "must name a header, like header:X-nonce";
      return { in: place, name: name.toLowerCase() };
    default:
      return { in: place, name };
  }
}

/** The names of a path's `{name}` segments, with their place among its segments. */
export function pathParameters(path: string): Map<string, number> {
  const parameters = new Map<string, number>();
  for (const [index, segment] of path.split("/").entries()) {
    const name = /^\{(.+)\}$/.exec(segment)?.[1];
    if (name !== undefined) parameters.set(name, index);
  }
  return parameters;
}
