// A Signer whose private key stays in a PKCS#11 module: an HSM, or SoftHSM2.

import { createHash } from "node:crypto";
import pkcs11js from "pkcs11js";

const { CKA_CLASS, CKA_EC_POINT, CKA_LABEL, CKF_OS_LOCKING_OK, CKF_SERIAL_SESSION } = pkcs11js;
const { CKM_ECDSA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKU_USER } = pkcs11js;

/** How many signatures may be made at the same time: a session makes one. */
const SESSIONS = 8;

/**
 * @param {{ module: string, token: string, pin: string, label: string, kid: string }} options the
 * path of the module, the label of the token, and that of a key pair on P-256 in it
 */
export function openSigner({ module, token, pin, label, kid }) {
  const pkcs11 = new pkcs11js.PKCS11();
  pkcs11.load(module);
  pkcs11.C_Initialize({ flags: CKF_OS_LOCKING_OK });
  const slot = pkcs11.C_GetSlotList(true).find((one) => pkcs11.C_GetTokenInfo(one).label.trim() === token);
  if (slot === undefined) throw new Error(`the module has no token "${token}"`);

  const free = Array.from({ length: SESSIONS }, () => pkcs11.C_OpenSession(slot, CKF_SERIAL_SESSION));
  pkcs11.C_Login(free[0], CKU_USER, pin); // for all sessions of the token

  function find(type) {
    pkcs11.C_FindObjectsInit(free[0], [
      { type: CKA_CLASS, value: type },
      { type: CKA_LABEL, value: label },
    ]);
    const [found] = pkcs11.C_FindObjects(free[0], 1);
    pkcs11.C_FindObjectsFinal(free[0]);
    if (found === undefined) throw new Error(`the token "${token}" has no key pair "${label}"`);
    return found;
  }
  const privateKey = find(CKO_PRIVATE_KEY);
  const [{ value: point }] = pkcs11.C_GetAttributeValue(free[0], find(CKO_PUBLIC_KEY), [{ type: CKA_EC_POINT }]);
  // The last 64 bytes of an uncompressed point are x and y.
  const [x, y] = [point.subarray(-64, -32), point.subarray(-32)].map((bytes) => bytes.toString("base64url"));

  const waiting = [];
  return {
    alg: "ES256",
    kid,
    publicJwk: { kty: "EC", crv: "P-256", x, y },
    async sign(bytes) {
      const session = free.pop() ?? (await new Promise((resolve) => waiting.push(resolve)));
      try {
        pkcs11.C_SignInit(session, { mechanism: CKM_ECDSA }, privateKey);
        // In a thread. PKCS#11 returns r and s in 64 bytes, as a JWS has them.
        return await pkcs11.C_SignAsync(session, createHash("sha256").update(bytes).digest(), Buffer.alloc(64));
      } finally {
        const next = waiting.shift();
        if (next === undefined) free.push(session);
        else next(session);
      }
    },
  };
}
