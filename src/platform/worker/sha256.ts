// SHA-256 (FIPS 180-4) of a text in one go: WebCrypto answers by a promise, and each call needs three of them.

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (§4.2.2). */
// biome-ignore format: a table
const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** The first 32 bits of the fractional parts of the square roots of the first 8 primes (§5.3.3). */
// biome-ignore format: a table
const START = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

const BLOCK_BYTES = 64;
/** Behind the message: one byte that ends it, and eight for its length. */
const PADDING_BYTES = 9;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const utf8 = new TextEncoder();

/** Nothing waits while one text is hashed, so that two calls cannot meet in these. */
const schedule = new Int32Array(64);
const state = new Int32Array(8);

/**
 * Sums, shifts and a table that is read in order: how long it takes depends on the length of the text alone.
 * @returns of the text in UTF-8, as 64 hexadecimal digits in lower case
 */
export function sha256Hex(text: string): string {
  const bytes = asBytes(text);
  const blocks = Math.ceil((bytes.length + PADDING_BYTES) / BLOCK_BYTES);
  state.set(START);
  for (let block = 0; block < blocks; block++) {
    readBlock(bytes, block * BLOCK_BYTES);
    if (block === blocks - 1) {
      schedule[14] = bytes.length / 0x2000_0000;
      schedule[15] = bytes.length << 3; // in bits
    }
    digestBlock();
  }
  let digits = "";
  for (const word of state) digits += hexOf(word);
  return digits;
}

/** @returns a text whose characters are the bytes; nearly every text is one as it stands */
function asBytes(text: string): string {
  if (!/[\u0080-\uffff]/.test(text)) return text;
  return Array.from(utf8.encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** The message, the bit that ends it, and zeros: the first 16 words of the schedule (§5.1.1, §6.2.2). */
function readBlock(bytes: string, start: number): void {
  for (let i = 0; i < 16; i++) {
    let word = 0;
    for (let at = start + 4 * i; at < start + 4 * i + 4; at++) {
      word = (word << 8) | (at < bytes.length ? bytes.charCodeAt(at) : at === bytes.length ? 0x80 : 0);
    }
    schedule[i] = word;
  }
}

type Words = [number, number, number, number, number, number, number, number];

/** §6.2.2, in its own letters. */
function digestBlock(): void {
  for (let t = 16; t < 64; t++) {
    const x = schedule[t - 15] as number;
    const y = schedule[t - 2] as number;
    const sigma0 = rotated(x, 7) ^ rotated(x, 18) ^ (x >>> 3);
    const sigma1 = rotated(y, 17) ^ rotated(y, 19) ^ (y >>> 10);
    schedule[t] = (sigma1 + (schedule[t - 7] as number) + sigma0 + (schedule[t - 16] as number)) | 0;
  }
  // Each by itself: taken out of the state by a pattern and put back in a loop, they double the time of a hash.
  const H = state as unknown as Words;
  let a = H[0];
  let b = H[1];
  let c = H[2];
  let d = H[3];
  let e = H[4];
  let f = H[5];
  let g = H[6];
  let h = H[7];
  for (let t = 0; t < 64; t++) {
    const sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + (K[t] as number) + (schedule[t] as number)) | 0;
    const sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const t2 = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  H[0] += a;
  H[1] += b;
  H[2] += c;
  H[3] += d;
  H[4] += e;
  H[5] += f;
  H[6] += g;
  H[7] += h;
}

function rotated(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

function hexOf(word: number): string {
  return `${HEX[word >>> 24]}${HEX[(word >>> 16) & 255]}${HEX[(word >>> 8) & 255]}${HEX[word & 255]}`;
}
