// Prints what the first page of the portal costs over the wire, and fails when it
// grows past the budget: everything the entry imports statically, compressed.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

// 90,000 on the wire, where the server presses a little less.
const budget = 89_700;
const dist = new URL("./dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("manifest.json", dist), "utf8"));
const seen = new Set();
const walk = (key) => {
  const chunk = manifest[key];
  if (!chunk || seen.has(chunk.file)) return;
  seen.add(chunk.file);
  chunk.imports?.forEach(walk);
};
walk("portal.html");
const sizes = [...seen].map((file) => [file, gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length]);
const total = sizes.reduce((sum, [, size]) => sum + size, 0);
console.log(`portal entry: ${total} bytes of script, compressed (budget ${budget}), in ${sizes.length} files`);
if (total > budget) {
  for (const [file, size] of sizes) console.log(`  ${size}  ${file}`);
  process.exit(1);
}
