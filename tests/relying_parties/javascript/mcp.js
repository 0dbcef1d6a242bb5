// A client of the Model Context Protocol's TypeScript SDK at mcp_server.js: its transport finds the issuer, and signs in. A tool is
// called with the token, and again after it has expired, known by registration and by a metadata document. A resource that Lanyard
// does not know is refused before a sign-in.
import { execFileSync } from "node:child_process";
import assert from "node:assert/strict";
import http from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { ISSUER, BROWSER, JAR, RESOURCE, DOCUMENTS } = process.env;
const CALLBACK = "http://localhost:9999/mcp/callback";

// An OAuthClientProvider that keeps all in memory. Its browser opens the authorization URL.
class Provider {
  redirectUrl = CALLBACK;
  signIns = 0;
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
    this.signIns += 1;
    const answer = execFileSync("python3", [BROWSER, JAR, url.href, CALLBACK], { encoding: "utf8" });
    this.answer = new URL(answer.trim()).searchParams;
  }
}

const client = () => new Client({ name: "relying-party", version: "1.0.0" });
const transport = (url, authProvider) => new StreamableHTTPClientTransport(new URL(url), { authProvider });

// An MCP server with the metadata of RFC 9728 that is not a ResourceServer.
async function refusesUnknownResource() {
  const server = http.createServer((request, response) => {
    const resource = `http://localhost:${server.address().port}/mcp`;
    if (!request.url.startsWith("/.well-known/oauth-protected-resource")) return response.writeHead(401).end();
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ resource, authorization_servers: [ISSUER] }));
  });
  await new Promise((ready) => server.listen(0, "localhost", ready));
  const provider = new Provider();
  const url = `http://localhost:${server.address().port}/mcp`;
  await assert.rejects(client().connect(transport(url, provider)), UnauthorizedError);
  assert.equal(provider.answer.get("error"), "invalid_target");
  server.close();
}

async function callTool(session, provider) {
  const { isError, content } = await session.callTool({ name: "list_tickets" });
  assert.ok(!isError, JSON.stringify(content));
  const { tickets, client } = JSON.parse(content[0].text);
  assert.deepEqual(tickets, ["The printer is on fire"]);
  assert.equal(client, provider.information.client_id);
}

async function usesTool(provider) {
  const first = transport(RESOURCE, provider);
  await assert.rejects(client().connect(first), UnauthorizedError);
  const code = provider.answer.get("code");
  assert.ok(code, provider.answer.toString());
  await first.finishAuth(code);
  const { access_token: token } = provider.stored;
  const session = client();
  await session.connect(transport(RESOURCE, provider));
  const { tools } = await session.listTools();
  assert.deepEqual(tools.map(({ name }) => name), ["list_tickets"]);
  await callTool(session, provider);
  // The token expires (`accessToken.lifetime` of the ResourceServer); the transport refreshes it at the server's 401.
  const end = Date.now() + 60_000;
  while (provider.stored.access_token === token) {
    assert.ok(Date.now() < end, "the token does not expire");
    await wait(200);
    await callTool(session, provider);
  }
  assert.equal(provider.signIns, 1);
  await session.close();
}

await refusesUnknownResource();
const registered = new Provider();
await usesTool(registered);
assert.ok(!registered.information.client_id.startsWith("https:"));
const described = new Provider(`${DOCUMENTS}/typescript.json`);
await usesTool(described);
assert.equal(described.information.client_id, `${DOCUMENTS}/typescript.json`);
console.log("mcp (typescript): refused an unknown resource; by registration and by document: signed in, called a tool, refreshed");
