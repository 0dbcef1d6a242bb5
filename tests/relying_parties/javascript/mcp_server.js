// An MCP server of the Model Context Protocol's TypeScript SDK with one tool. Access tokens are verified by examples/resource-server.
import http from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { METADATA, METADATA_PATH, RESOURCE, answer, authorize, refuse } from "./resource-server/access.mjs";

const SCOPE = "tickets.read";
const { origin, pathname, port } = new URL(RESOURCE);

// The server of one request, without a session.
function ticketServer() {
  const server = new McpServer({ name: "tickets", version: "1.0.0" });
  server.registerTool("list_tickets", { description: "List your tickets" }, ({ authInfo }) => {
    const text = JSON.stringify({ tickets: ["The printer is on fire"], client: authInfo.clientId, ...authInfo.extra });
    return { content: [{ type: "text", text }] };
  });
  return server;
}

http.createServer(async (request, response) => {
  const path = new URL(request.url, origin).pathname;
  if (path === METADATA_PATH) return answer(response, 200, METADATA);
  if (path !== pathname) return answer(response, 404, { error: "not_found" });
  try {
    const { sub, client_id, scope } = await authorize(request, SCOPE);
    request.auth = { clientId: client_id, scopes: scope.split(" "), extra: { person: sub } };
  } catch (failure) {
    return refuse(request, response, failure, SCOPE);
  }
  if (request.method !== "POST") return answer(response, 405, { error: "method_not_allowed" }, { allow: "POST" });
  const server = ticketServer();
  response.on("close", () => server.close());
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await server.connect(transport);
  await transport.handleRequest(request, response);
}).listen(Number(port), "localhost");
