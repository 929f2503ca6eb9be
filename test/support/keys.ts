// Keys and certificates, made for each run: this repository contains no key.

import "reflect-metadata"; // @peculiar/x509 asks for it
import type { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { exportJWK, exportPKCS8, generateKeyPair, type JWK } from "jose";
import type { SigningAlgorithm } from "../../src/oauth/signing-key.ts";

export interface TestKey {
  /** PKCS#8 in PEM. */
  pem: string;
  jwk: JWK;
}

export async function makeKey(alg: SigningAlgorithm, modulusLength = 2048): Promise<TestKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength });
  return { pem: await exportPKCS8(privateKey), jwk: await exportJWK(privateKey) };
}

const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export interface TestCertificate {
  /** PEM. */
  certificate: string;
  /** PKCS#8 in PEM. */
  private_key: string;
}

export interface Authority extends TestCertificate {
  /** A certificate of this authority. */
  issue(commonName: string, options?: CertificateOptions): Promise<TestCertificate>;
}

export interface CertificateOptions {
  /** IP addresses of the subject. */
  ips?: string[];
  /** DNS names of the subject. */
  dns?: string[];
  notAfter?: Date;
}

const DAY_MS = 86_400_000;

/** A certificate authority of the test's own. */
export async function makeAuthority(commonName = "Test authority"): Promise<Authority> {
  const keys = await makePair();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: EC,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    ...(await asPem(certificate, keys)),
    async issue(name, { ips = [], dns = [], notAfter } = {}) {
      const subject = await makePair();
      const names = [
        ...ips.map((value) => ({ type: "ip" as const, value })),
        ...dns.map((value) => ({ type: "dns" as const, value })),
      ];
      const issued = await X509CertificateGenerator.create({
        ...validity(notAfter),
        subject: `CN=${name}`,
        issuer: certificate.subject,
        publicKey: subject.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: EC,
        extensions: names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)],
      });
      return asPem(issued, subject);
    },
  };
}

/** A self-signed certificate. */
export async function makeSelfSigned(commonName: string, options: CertificateOptions = {}): Promise<TestCertificate> {
  const keys = await makePair();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(options.notAfter),
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: EC,
  });
  return asPem(certificate, keys);
}

function validity(notAfter = new Date(Date.now() + DAY_MS)) {
  return { notBefore: new Date(Math.min(Date.now(), notAfter.getTime()) - DAY_MS), notAfter };
}

async function makePair(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(EC, true, ["sign", "verify"]);
}

async function asPem(certificate: X509Certificate, { privateKey }: webcrypto.CryptoKeyPair): Promise<TestCertificate> {
  return { certificate: certificate.toString("pem"), private_key: await exportPKCS8(privateKey) };
}
