// A stand-in for HubSpot's CRM on loopback, just deep enough for the console's
// journeys: it keeps tickets by their unique property and can refuse everything.
// The adapter itself is tested against the published specification elsewhere.

import { createServer } from "node:http";

export async function startCRM() {
  const objects = new Map();
  const crm = { refuse: false, tickets: () => [...objects.keys()].filter((k) => k.startsWith("tickets ")) };
  const answer = (path, body) => {
    const upsert = /^\/crm\/v3\/objects\/(\w+)\/batch\/upsert$/.exec(path);
    if (upsert) {
      const now = new Date().toISOString();
      const results = body.inputs.map((input) => {
        const key = `${upsert[1]} ${input.id}`;
        const known = objects.get(key);
        objects.set(key, known ?? String(9000 + objects.size));
        return { id: objects.get(key), properties: input.properties, new: !known, createdAt: now, updatedAt: now, archived: false };
      });
      return { status: "COMPLETE", results, startedAt: now, completedAt: now };
    }
    if (path.startsWith("/crm/v3/properties/")) return { name: "usher", label: "Usher id", type: "string", fieldType: "text", hasUniqueValue: true };
    return { results: [], total: 0 };
  };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    const path = new URL(request.url, "http://crm").pathname;
    const status = crm.refuse ? 403 : 200;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(crm.refuse ? { status: "error", message: "This app hasn't been granted all required scopes", correlationId: "00000000-0000-4000-8000-000000000000", category: "MISSING_SCOPES" } : answer(path, text ? JSON.parse(text) : {})));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  crm.url = `http://127.0.0.1:${server.address().port}`;
  crm.close = () => new Promise((done) => server.close(done));
  return crm;
}
