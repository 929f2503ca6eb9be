// Three instances behind nginx: one is killed and one reloaded under load. Only calls that had
// reached the killed one fail.

import { existsSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { APIKEY } from "../support/call.ts";
import { load } from "../support/load.ts";
import { hold } from "../support/recording-provider.ts";
import { type Running, useService } from "../support/service.ts";
import { NGINX, type Nginx, startNginx } from "./nginx.ts";

const hasNginx = existsSync(NGINX);
const service = useService();
let nginx: Nginx;
afterAll(() => nginx?.close());

const call = async () => (await nginx.send({ headers: { "X-apikey": APIKEY } })).status;
/** The file of an instance: its number is a parameter of its token requests. */
const configure = (instance: string) => service.configure({ main: { params: { instance } } });
const requestsOf = (instance: string) =>
  service.provider.requests.filter(({ body }) => new URLSearchParams(body).get("instance") === instance);

async function kill({ process, exit }: Running): Promise<void> {
  process.kill("SIGKILL");
  await exit();
}

it.skipIf(!hasNginx)(
  hasNginx ? "three instances behind nginx lose no other calls" : "three instances [skipped: no nginx]",
  async () => {
    const instances: Running[] = [];
    for (const instance of ["1", "2", "3"]) {
      await configure(instance);
      instances.push(await service.start());
    }
    const [first, second] = instances as [Running, Running, Running];
    nginx = await startNginx(instances.map(({ listen }) => new URL(listen).host));
    const release = hold(service.provider);
    const running = load("", call);
    // A call of each client is under way.
    await expect.poll(() => service.provider.requests).toHaveLength(8);
    const reached = requestsOf("1").length;
    for (const instance of ["1", "2", "3"]) expect(requestsOf(instance).length, instance).toBeGreaterThan(0);

    await kill(first);
    await configure("reloaded");
    await second.reload();
    release();
    await running.more(60);
    expect(await running.stop()).toEqual({ 200: expect.any(Number), 502: reached });
    expect(requestsOf("reloaded").length).toBeGreaterThan(0);
    const failed = (await nginx.accessLog()).split("\n").filter((line) => line.includes('" 502 '));
    const at = new URL(first.listen).host;
    expect(failed.filter((line) => !line.includes(` ${at} 502 `))).toEqual([]);

    // While it has no call, so nginx learns of it only by one that it cannot send.
    await kill(second);
    expect(await Promise.all(Array.from({ length: 6 }, call))).toEqual(Array(6).fill(200));
  },
);
