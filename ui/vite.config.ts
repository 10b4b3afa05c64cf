import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The desk of a running stack, which answers what the development server does not: `make desk` sets it.
const desk = process.env.CLAIMWATCH_DESK;

const proxied = desk ? { target: desk, changeOrigin: true } : undefined;

export default defineConfig({
  plugins: [react()],
  server: {
    host: "127.0.0.1",
    port: 5173,
    ...(proxied && { proxy: { "/app": proxied, "/config.json": proxied } }),
  },
  preview: { host: "127.0.0.1" },
  build: {
    target: "es2023",
    // `light-dark()` is left to the browser.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // The content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: {
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "components",
          include: ["src/**/*.test.{ts,tsx}"],
          environment: "jsdom",
          environmentOptions: { jsdom: { url: "https://desk.example/" } },
          setupFiles: ["tests/setup.ts"],
        },
      },
      { extends: true, test: { name: "package", include: ["tests/**/*.test.ts"], environment: "node" } },
    ],
  },
});
