import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Four entries share one build. The server puts a fresh nonce in place of the
// marker each time it serves an entry, so the policy can forbid everything else.
export default defineConfig({
  plugins: [react()],
  html: { cspNonce: "USHER-CSP-NONCE" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // Few larger files compress better than the many small ones that sharing makes.
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules/ },
            { name: "shared", test: /src\/(api\/(?!events|thread)|ui\/(?!i18n\/(de|es|fr|pt)|markdown|Markdown|Console|ExportForm|StepUp|CodeForm|stepUpWords|.*css))/ },
          ],
        },
      },
      input: {
        portal: "portal.html",
        agent: "agent.html",
        admin: "admin.html",
        embed: "embed.html",
      },
    },
  },
  server: {
    proxy: {
      "/v1": process.env.USHER_API ?? "http://127.0.0.1:8080",
      "/login": process.env.USHER_API ?? "http://127.0.0.1:8080",
    },
  },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
