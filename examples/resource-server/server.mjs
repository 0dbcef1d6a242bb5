// A resource server: an API that accepts access tokens of one issuer (Node.js 18.3 or newer, no packages). It publishes its
// metadata (RFC 9728), so that clients find the issuer.
//
//   node server.mjs      with the settings of access.mjs, and PORT
import http from "node:http";
import { ISSUER, METADATA, METADATA_PATH, RESOURCE, answer, authorize, refuse } from "./access.mjs";

const { origin, pathname, port } = new URL(RESOURCE);
const PORT = Number(process.env.PORT ?? port);

const server = http.createServer(async (request, response) => {
  const path = new URL(request.url, origin).pathname;
  if (path === METADATA_PATH) return answer(response, 200, METADATA);
  if (path !== pathname) return answer(response, 404, { error: "not_found" });
  const scope = request.method === "GET" ? "tickets.read" : "tickets.write";
  try {
    const { sub, client_id, groups } = await authorize(request, scope);
    answer(response, 200, { tickets: ["The printer is on fire"], person: sub, client: client_id, groups });
  } catch (failure) {
    refuse(request, response, failure, scope);
  }
});
server.listen(PORT, "localhost", () => console.log(`${RESOURCE} accepts tokens of ${ISSUER}`));
