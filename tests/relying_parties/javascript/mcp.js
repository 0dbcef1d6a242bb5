// A client of the Model Context Protocol's TypeScript SDK: discovery, registration, sign-in and refresh. A resource that Lanyard
// does not know is refused before a sign-in.
import { execFileSync } from "node:child_process";
import assert from "node:assert/strict";
import http from "node:http";
import { auth } from "@modelcontextprotocol/sdk/client/auth.js";

const { ISSUER, BROWSER, JAR } = process.env;
const CALLBACK = "http://localhost:9999/mcp/callback";

// The MCP server, with the metadata of RFC 9728.
const server = http.createServer((request, response) => {
  const resource = `http://localhost:${server.address().port}/mcp`;
  if (!request.url.startsWith("/.well-known/oauth-protected-resource")) return response.writeHead(401).end();
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ resource, authorization_servers: [ISSUER] }));
});
await new Promise((ready) => server.listen(0, "localhost", ready));
const serverUrl = `http://localhost:${server.address().port}/mcp`;

class Client {
  redirectUrl = CALLBACK;
  clientMetadata = {
    client_name: "MCP (TypeScript)", redirect_uris: [CALLBACK], grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"], scope: "openid profile email offline_access",
  };
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

const refused = new Client();
assert.equal(await auth(refused, { serverUrl }), "REDIRECT");
assert.equal(refused.answer.get("error"), "invalid_target");

const client = new Client();
client.validateResourceURL = async () => undefined;
assert.equal(await auth(client, { serverUrl }), "REDIRECT");
assert.equal(await auth(client, { serverUrl, authorizationCode: client.answer.get("code") }), "AUTHORIZED");
const first = client.stored;
assert.equal(await auth(client, { serverUrl }), "AUTHORIZED");
assert.notEqual(client.stored.access_token, first.access_token);
server.close();
console.log("mcp (typescript): refused an unknown resource, registered, signed in, refreshed");
