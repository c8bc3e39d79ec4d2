// The key with which this browser signs what it plays without a line. It never
// leaves the browser: not even this script can read it.
import { shelf } from "../shelf";
import { alone } from "./alone";
import { base64url, utf8 } from "./bytes";

const KEY = "key/chains";
const KIND: EcKeyGenParams = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE: EcdsaParams = { name: "ECDSA", hash: "SHA-256" };

let pair: Promise<CryptoKeyPair | null> | null = null;

/** The browser's pair of keys, made once; null where nothing can be kept. */
export function keyPair(): Promise<CryptoKeyPair | null> {
  pair ??= alone(KEY, async () => {
    const kept = await shelf.get<CryptoKeyPair>(KEY);
    if (kept !== null) return kept;
    await shelf.put(KEY, await crypto.subtle.generateKey(KIND, false, ["sign", "verify"]));
    // One that is not kept is of no use: the next page could not go on with it.
    return shelf.get<CryptoKeyPair>(KEY);
  }).catch(() => {
    pair = null; // Another time.
    return null;
  });
  return pair;
}

/** The public key, an uncompressed point, as the server takes it. */
export async function publicKey(pair: CryptoKeyPair): Promise<string> {
  return base64url(await crypto.subtle.exportKey("raw", pair.publicKey));
}

/** The 64 bytes of the signature over the text's UTF-8. */
export async function sign(pair: CryptoKeyPair, text: string): Promise<string> {
  return base64url(await crypto.subtle.sign(SIGNATURE, pair.privateKey, utf8(text)));
}
