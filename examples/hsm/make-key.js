// Makes the key pair in the token, which it never leaves: node make-key.js

import pkcs11js from "pkcs11js";

const { CKA_EC_PARAMS, CKA_EXTRACTABLE, CKA_LABEL, CKA_SENSITIVE, CKA_SIGN, CKA_TOKEN, CKA_VERIFY } = pkcs11js;
const { CKF_RW_SESSION, CKF_SERIAL_SESSION, CKM_EC_KEY_PAIR_GEN, CKU_USER } = pkcs11js;
const { PKCS11_MODULE, PKCS11_TOKEN, PKCS11_PIN, PKCS11_LABEL } = process.env;
/** The object identifier of P-256, in DER. */
const P256 = Buffer.from("06082a8648ce3d030107", "hex");

const pkcs11 = new pkcs11js.PKCS11();
pkcs11.load(PKCS11_MODULE);
pkcs11.C_Initialize();
const slot = pkcs11.C_GetSlotList(true).find((one) => pkcs11.C_GetTokenInfo(one).label.trim() === PKCS11_TOKEN);
if (slot === undefined) throw new Error(`the module has no token "${PKCS11_TOKEN}"`);
const session = pkcs11.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
pkcs11.C_Login(session, CKU_USER, PKCS11_PIN);
const name = { type: CKA_LABEL, value: PKCS11_LABEL };
pkcs11.C_GenerateKeyPair(
  session,
  { mechanism: CKM_EC_KEY_PAIR_GEN },
  [name, { type: CKA_TOKEN, value: true }, { type: CKA_VERIFY, value: true }, { type: CKA_EC_PARAMS, value: P256 }],
  [
    name,
    { type: CKA_TOKEN, value: true },
    { type: CKA_SIGN, value: true },
    { type: CKA_SENSITIVE, value: true },
    { type: CKA_EXTRACTABLE, value: false },
  ],
);
pkcs11.C_Finalize();
