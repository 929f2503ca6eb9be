// The token request (RFC 6749 §3.2), read from the file once and then only filled in.

import { FORM_CONTENT_TYPE, Form } from "../core/form.ts";
import { HEADER_VALUE, REQUEST_HEADERS } from "../core/headers.ts";
import type { Secret, SecretReference } from "../core/secret.ts";
import { defaultParams, type Param, type Params, templatesOf } from "./grants.ts";
import { parseTemplate, type Template } from "./template.ts";

export interface TokenRequestSettings {
  grant_type: string;
  scope?: string | undefined;
  params: Params;
  headers: Readonly<Record<string, string | SecretReference>>;
}

/** The secrets that stand in params and headers, by their place: `params.NAME`, `headers.NAME`. */
export type PlacedSecrets = ReadonlyMap<string, Secret>;

/** A request that lacks only the client's authentication. */
export interface TokenRequest {
  headers: Record<string, string>;
  form: Form;
}

/** A header's template gave text that no header may carry. */
export class HeaderValueError extends Error {
  override readonly name = "HeaderValueError";
  readonly header: string;

  constructor(header: string) {
    super("a rendered header value is not visible ASCII");
    this.header = header;
  }
}

/** The parameters as they go out, those that the grant type implies first. */
export function effectiveParams({ grant_type, scope, params }: Omit<TokenRequestSettings, "headers">): Params {
  return { ...defaultParams(grant_type, params), ...params, ...(scope === undefined ? {} : { scope }) };
}

/**
 * @returns a function that fills in one request. Parameters go out in this order: grant_type, those of the file, scope. It
 * throws what `values` throws, and HeaderValueError.
 */
export function compileTokenRequest(
  settings: TokenRequestSettings,
  secrets: PlacedSecrets,
): (values: (name: string) => string) => TokenRequest {
  const fixed = new Form();
  fixed.append("grant_type", settings.grant_type);
  const start = fixed.toString();
  const parameters = Object.entries(effectiveParams(settings)).flatMap(([name, param]) =>
    compilePart(param, secrets.get(`params.${name}`)).map((template) => ({ name, template })),
  );
  const headerTemplates = Object.entries(settings.headers).flatMap(([name, header]) =>
    compilePart(header, secrets.get(`headers.${name}`)).map((template) => ({ name, template })),
  );

  return (values) => {
    const headers: Record<string, string> = { ...REQUEST_HEADERS, "content-type": FORM_CONTENT_TYPE };
    for (const { name, template } of headerTemplates) {
      const value = template.render(values);
      if (!HEADER_VALUE.test(value)) throw new HeaderValueError(name);
      headers[name.toLowerCase()] = value;
    }
    const form = new Form(start);
    for (const { name, template } of parameters) form.append(name, template.render(values));
    return { headers, form };
  };
}

/** A secret is never read as a template: whatever stands in it goes out. */
function compilePart(param: Param, secret: Secret | undefined): Pick<Template, "render">[] {
  if (secret !== undefined) return [{ render: () => secret.reveal() }];
  return templatesOf(param).map(parseTemplate);
}
