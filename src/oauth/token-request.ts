// The token request (RFC 6749 §3.2), read from the file once and then only filled in.

import type { ClientAuthentication } from "./client-authentication.ts";
import { FORM_CONTENT_TYPE, Form } from "./form.ts";
import { defaultParams, type Params } from "./grants.ts";
import { parseTemplate, type Template } from "./template.ts";

export interface TokenRequestSettings {
  grant_type: string;
  scope?: string | undefined;
  params: Params;
  headers: Readonly<Record<string, string>>;
}

export interface TokenRequest {
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Gives the value of a template's name; throws where there is none. */
export type Values = (name: string) => string;

/** On every request to a provider. */
export const REQUEST_HEADERS = {
  accept: "application/json", // GitHub answers form-encoded text otherwise
  "accept-encoding": "identity", // what is relayed is the decoded body, so nothing is gained by a coding
  "user-agent": "nextauth-token-proxy", // firewalls in front of providers refuse requests without one
} as const;

/** A header's rendered value: visible ASCII, spaces inside. Anything else could end the header or be read two ways. */
const HEADER_VALUE = /^[\x21-\x7e]+(?:[ \t]+[\x21-\x7e]+)*$/;

/** A header's template gave text that no header may carry. */
export class HeaderValueError extends Error {
  override readonly name = "HeaderValueError";
  readonly header: string;

  constructor(header: string) {
    super("a rendered header value is not visible ASCII");
    this.header = header;
  }
}

/** The same parameters as they stand in the file, defaults of the grant type first. */
export function effectiveParams({ grant_type, scope, params }: Omit<TokenRequestSettings, "headers">): Params {
  return { ...defaultParams(grant_type), ...params, ...(scope === undefined ? {} : { scope }) };
}

/**
 * @returns a function that fills in one request. Parameters go out in this order: grant_type, those of the file, scope,
 * client authentication. It throws what `values` throws, and HeaderValueError.
 */
export function compileTokenRequest(
  settings: TokenRequestSettings,
  authenticate: ClientAuthentication,
): (values: Values) => TokenRequest {
  const fixed = new Form();
  fixed.append("grant_type", settings.grant_type);
  const parameters: { name: string; template: Template }[] = [];
  for (const [name, value] of Object.entries(effectiveParams(settings))) {
    for (const text of typeof value === "string" ? [value] : value) {
      parameters.push({ name, template: parseTemplate(text) });
    }
  }
  const start = fixed.toString();

  const headerTemplates = Object.entries(settings.headers).map(([name, text]) => ({
    name: name.toLowerCase(),
    template: parseTemplate(text),
  }));

  return (values) => {
    const headers: Record<string, string> = { ...REQUEST_HEADERS, "content-type": FORM_CONTENT_TYPE };
    for (const { name, template } of headerTemplates) {
      const value = template.render(values);
      if (!HEADER_VALUE.test(value)) throw new HeaderValueError(name);
      headers[name] = value;
    }
    const form = new Form(start);
    for (const { name, template } of parameters) form.append(name, template.render(values));
    authenticate(form, headers);
    return { headers, body: form.toString() };
  };
}
