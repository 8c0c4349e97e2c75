// An OpenID provider on loopback, just deep enough for the sign-in journeys: a
// login page, codes with PKCE, ID tokens signed with a key of its own. The
// adapter itself is tested against a stricter one elsewhere.

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { createServer } from "node:http";

const packed = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

export async function startProvider() {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const codes = new Map();
  const provider = {};
  const token = (code, verifier) => {
    const grant = codes.get(code);
    codes.delete(code);
    if (!grant || createHash("sha256").update(verifier).digest("base64url") !== grant.challenge) return [400, { error: "invalid_grant" }];
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: provider.url, aud: "usher", sub: grant.person, email: grant.person, email_verified: true, name: grant.person, nonce: grant.nonce, iat: now, exp: now + 300, auth_time: now };
    const body = `${packed({ alg: "RS256", typ: "JWT", kid: "one" })}.${packed(claims)}`;
    return [200, { access_token: "access", token_type: "Bearer", id_token: `${body}.${sign("sha256", Buffer.from(body), privateKey).toString("base64url")}` }];
  };
  const json = (response, status, value) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    const url = new URL(request.url, provider.url);
    const q = url.searchParams;
    const form = new URLSearchParams(text);
    if (url.pathname === "/.well-known/openid-configuration") {
      const at = (path) => provider.url + path;
      return json(response, 200, { issuer: provider.url, authorization_endpoint: at("/authorize"), token_endpoint: at("/token"), jwks_uri: at("/jwks"), code_challenge_methods_supported: ["S256"], authorization_response_iss_parameter_supported: true });
    }
    if (url.pathname === "/jwks") return json(response, 200, { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" }] });
    if (url.pathname === "/token") return json(response, ...token(form.get("code"), form.get("code_verifier") ?? ""));
    if (url.pathname !== "/authorize") return json(response, 404, {});
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      return response.end(`<!doctype html><html lang="en"><title>Globex login</title><link rel="icon" href="data:,"><main><h1>Globex login</h1><form method="post">
<label>Account <input name="person" value="${q.get("login_hint")?.replace(/[^\w@.-]/g, "") ?? ""}"></label> <button>Sign in</button> <button name="cancel" value="1">Cancel</button></form></main></html>`);
    }
    const back = new URL(q.get("redirect_uri"));
    back.searchParams.set("state", q.get("state"));
    back.searchParams.set("iss", provider.url);
    if (form.get("cancel")) back.searchParams.set("error", "access_denied");
    else {
      const code = randomBytes(16).toString("hex");
      codes.set(code, { person: form.get("person"), nonce: q.get("nonce"), challenge: q.get("code_challenge") });
      back.searchParams.set("code", code);
    }
    response.writeHead(303, { location: back.href });
    response.end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  provider.url = `http://127.0.0.1:${server.address().port}`;
  provider.close = () => new Promise((done) => server.close(done));
  return provider;
}
