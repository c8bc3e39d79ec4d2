import { defineConfig } from "vite";

// The binary embeds `dist` and serves it under /assets/; it finds the hashed
// names in manifest.json. Nothing is inlined: pages allow no data: addresses.
export default defineConfig({
  base: "/assets/",
  build: {
    target: "chrome80",
    outDir: "dist",
    assetsDir: "",
    assetsInlineLimit: 0,
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    // hls.js is a chunk of its own that only player pages load.
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      output: {
        // A browser looks for a newer service worker under the name of the old one.
        entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "[name]-[hash].js"),
        codeSplitting: { groups: [{ name: "hls", test: /node_modules.hls\.js/ }] },
      },
      input: [
        "src/site.ts",
        "src/player/main.ts",
        "src/player/evening.ts",
        "src/tv/main.ts",
        "src/poster.ts",
        "src/grid/main.ts",
        "src/upload/main.ts",
        "src/worker/sw.ts",
        "styles/site.css",
        "styles/player.css",
        "styles/tv.css",
        "styles/poster.css",
        "styles/plain.css",
        "styles/han.css",
        "styles/design.css",
      ],
    },
  },
});
