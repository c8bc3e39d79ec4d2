// A worker: the SHA-256 of a file, read in pieces. Pages of inner networks come
// without TLS, where a browser's own sums are not to be had, and those take no pieces.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const PIECE = 4 << 20;

addEventListener("message", async ({ data }: MessageEvent<File>) => {
  try {
    const sum = sha256.create();
    for (let at = 0; at < data.size; at += PIECE) {
      sum.update(new Uint8Array(await data.slice(at, at + PIECE).arrayBuffer()));
      postMessage({ done: Math.min(1, (at + PIECE) / data.size) });
    }
    postMessage({ sum: bytesToHex(sum.digest()) });
  } catch {
    // The file was moved, or changed, after it was chosen.
    postMessage({ failed: true });
  }
});
