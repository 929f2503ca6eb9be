// One proxy and one recording provider for the tests of a file or of a describe block.

import { afterAll, beforeAll, beforeEach } from "vitest";
import { type Answered, type CallOptions, callGetToken } from "./call.ts";
import { fileConfig, SECRETS } from "./config.ts";
import { type Host, startHost } from "./host.ts";
import { type RecordingProvider, startRecordingProvider, token } from "./recording-provider.ts";

export interface ProxyOptions {
  /** Changes to the provider named `main`. */
  provider?: object;
  /** Changes to the whole file; a function is given the token endpoint. */
  file?: object | ((tokenEndpoint: string) => object);
  /** Beside those that every test has. */
  secrets?: Record<string, string>;
}

export interface Proxy {
  readonly host: Host;
  readonly provider: RecordingProvider;
  /** Sends one call (support/call.ts). */
  call(options?: CallOptions): Promise<Answered>;
}

/** Starts both before the first test. Each test begins with no requests and with tokens. */
export function useProxy(options: ProxyOptions = {}): Proxy {
  let provider: RecordingProvider;
  let host: Host;
  beforeAll(async () => {
    provider = await startRecordingProvider();
    const { tokenEndpoint } = provider;
    const file = typeof options.file === "function" ? options.file(tokenEndpoint) : options.file;
    host = await startHost(fileConfig(tokenEndpoint, { provider: options.provider ?? {}, file: file ?? {} }), {
      ...SECRETS,
      ...options.secrets,
    });
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.answer = token();
  });
  afterAll(async () => {
    await host?.close();
    await provider?.close();
  });
  return {
    get host() {
      return host;
    },
    get provider() {
      return provider;
    },
    call: (callOptions) => callGetToken(host.url, callOptions),
  };
}
