// A client of the Model Context Protocol's TypeScript SDK: discovery by the sample resource server, sign-in, a call with the token, and
// refresh, known by registration and by a metadata document. A resource that Lanyard does not know is refused before a sign-in.
import { execFileSync } from "node:child_process";
import assert from "node:assert/strict";
import http from "node:http";
import { auth, extractWWWAuthenticateParams } from "@modelcontextprotocol/sdk/client/auth.js";

const { ISSUER, BROWSER, JAR, RESOURCE, DOCUMENTS } = process.env;
const CALLBACK = "http://localhost:9999/mcp/callback";

class Client {
  redirectUrl = CALLBACK;
  clientMetadata = {
    client_name: "MCP (TypeScript)", redirect_uris: [CALLBACK], grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"], token_endpoint_auth_method: "none",
  };
  constructor(clientMetadataUrl) { this.clientMetadataUrl = clientMetadataUrl; }
  clientInformation() { return this.information; }
  saveClientInformation(information) { this.information = information; }
  tokens() { return this.stored; }
  saveTokens(tokens) { this.stored = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  redirectToAuthorization(url) {
    const answer = execFileSync("python3", [BROWSER, JAR, url.href, CALLBACK], { encoding: "utf8" });
    this.answer = new URL(answer.trim()).searchParams;
  }
}

// An MCP server with the metadata of RFC 9728 that is not a ResourceServer.
const server = http.createServer((request, response) => {
  const resource = `http://localhost:${server.address().port}/mcp`;
  if (!request.url.startsWith("/.well-known/oauth-protected-resource")) return response.writeHead(401).end();
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ resource, authorization_servers: [ISSUER] }));
});
await new Promise((ready) => server.listen(0, "localhost", ready));
const refused = new Client();
assert.equal(await auth(refused, { serverUrl: `http://localhost:${server.address().port}/mcp` }), "REDIRECT");
assert.equal(refused.answer.get("error"), "invalid_target");
server.close();

const call = (token) => fetch(RESOURCE, { headers: token ? { authorization: `Bearer ${token}` } : {} });

// The steps of the SDK's transport after a 401.
async function use(client) {
  const challenge = await call();
  assert.equal(challenge.status, 401);
  const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(challenge);
  const options = { serverUrl: RESOURCE, resourceMetadataUrl, scope };
  assert.equal(await auth(client, options), "REDIRECT");
  const authorizationCode = client.answer.get("code");
  assert.ok(authorizationCode, client.answer.toString());
  assert.equal(await auth(client, { ...options, authorizationCode }), "AUTHORIZED");
  const first = client.stored;
  const answer = await call(first.access_token);
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.equal((await answer.json()).client, client.information.client_id);
  assert.equal(await auth(client, options), "AUTHORIZED");
  assert.notEqual(client.stored.access_token, first.access_token);
  assert.equal((await call(client.stored.access_token)).status, 200);
}

const registered = new Client();
await use(registered);
assert.ok(!registered.information.client_id.startsWith("https:"));
const described = new Client(`${DOCUMENTS}/typescript.json`);
await use(described);
assert.equal(described.information.client_id, `${DOCUMENTS}/typescript.json`);
console.log("mcp (typescript): refused an unknown resource; by registration and by document: signed in, called the server, refreshed");
