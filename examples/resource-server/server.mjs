// A resource server: an API that accepts access tokens of one issuer (Node.js 18 or newer, no packages). It publishes its
// metadata (RFC 9728), so that clients find the issuer, and verifies tokens by the issuer's keys (RFC 9068 §4).
//
//   node server.mjs      with ISSUER, RESOURCE (the identifier of the ResourceServer) and PORT
import { createPublicKey, verify } from "node:crypto";
import http from "node:http";

const RESOURCE = process.env.RESOURCE ?? "http://localhost:8090/tickets";
const ISSUER = process.env.ISSUER ?? "http://localhost:8080/default/desk";
const PORT = Number(process.env.PORT ?? new URL(RESOURCE).port);

// RFC 9728 §3.1: the well-known path stands between the host and the path of the identifier.
const { origin, pathname } = new URL(RESOURCE);
const METADATA_PATH = `/.well-known/oauth-protected-resource${pathname === "/" ? "" : pathname}`;
const METADATA = {
  resource: RESOURCE,
  resource_name: "Tickets",
  authorization_servers: [ISSUER],
  scopes_supported: ["tickets.read", "tickets.write"],
  bearer_methods_supported: ["header"],
};

// The algorithms that are accepted, with the hash and the form of their signatures. Never take others from a token.
const ALGORITHMS = {
  RS256: (key) => ["sha256", { key }],
  ES256: (key) => ["sha256", { key, dsaEncoding: "ieee-p1363" }],
  EdDSA: (key) => [null, { key }],
};
const KEYS_FOR = 5 * 60_000; // ms that keys are kept
const KEYS_AGAIN = 10_000; // ms between two fetches because of unknown keys

class Refused extends Error {
  constructor(status, error, text) {
    super(text);
    Object.assign(this, { status, error });
  }
}
const invalid = (text) => new Refused(401, "invalid_token", text);

async function getJson(url) {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(5000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
}

// The issuer's keys by ID, fetched once for all requests.
let keys = { fetchedAt: -Infinity, byId: new Map() };
let fetching;
async function keyOf(kid) {
  const age = Date.now() - keys.fetchedAt;
  if (age > KEYS_FOR || (!keys.byId.has(kid) && age > KEYS_AGAIN)) {
    fetching ??= fetchKeys().finally(() => (fetching = undefined));
    await fetching;
  }
  return keys.byId.get(kid);
}

async function fetchKeys() {
  const metadata = await getJson(`${ISSUER}/.well-known/openid-configuration`);
  if (metadata.issuer !== ISSUER) throw new Error(`the metadata is about ${metadata.issuer}`);
  const { keys: all } = await getJson(metadata.jwks_uri);
  const byId = new Map(all.filter((jwk) => jwk.use === "sig").map((jwk) => [jwk.kid, jwk]));
  keys = { fetchedAt: Date.now(), byId };
}

// The claims of an access token for this API (RFC 9068 §4).
async function accessToken(token) {
  const parts = token.split(".");
  if (parts.length !== 3) throw invalid("The token is not a JWT.");
  const read = (part) => {
    try {
      return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    } catch {
      throw invalid("The token is not a JWT.");
    }
  };
  const [header, claims] = [read(parts[0]), read(parts[1])];
  const type = String(header.typ ?? "").toLowerCase().replace(/^application\//, "");
  if (type !== "at+jwt") throw invalid("The token is not an access token.");
  const jwk = Object.hasOwn(ALGORITHMS, header.alg) ? await keyOf(header.kid) : undefined;
  if (jwk?.alg !== header.alg) throw invalid("No key of the issuer signed the token.");
  const [hash, options] = ALGORITHMS[header.alg](createPublicKey({ key: jwk, format: "jwk" }));
  const signature = Buffer.from(parts[2], "base64url");
  if (!verify(hash, Buffer.from(`${parts[0]}.${parts[1]}`), options, signature)) {
    throw invalid("The signature of the token is wrong.");
  }
  const now = Date.now() / 1000;
  if (claims.iss !== ISSUER) throw invalid("The token is of another issuer.");
  if (![claims.aud].flat().includes(RESOURCE)) throw invalid("The token is for another resource.");
  if (!(claims.exp > now)) throw invalid("The token has expired.");
  if (claims.nbf > now + 5) throw invalid("The token is not valid yet.");
  return claims;
}

async function authorize(request, scope) {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  // RFC 6750 §3.1: a request without a token gets no error code.
  if (scheme.toLowerCase() !== "bearer" || !token) throw new Refused(401, undefined, "Send an access token.");
  const claims = await accessToken(token);
  if (!String(claims.scope ?? "").split(" ").includes(scope)) {
    throw new Refused(403, "insufficient_scope", `The token does not have the scope ${scope}.`);
  }
  return claims;
}

// RFC 6750 §3, RFC 9728 §5.1.
function challenge({ error, message }, scope) {
  const parts = [`resource_metadata="${origin}${METADATA_PATH}"`, `scope="${scope}"`];
  if (error) parts.unshift(`error="${error}"`, `error_description="${message}"`);
  return `Bearer ${parts.join(", ")}`;
}

const server = http.createServer(async (request, response) => {
  const answer = (status, body, headers = {}) => {
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
    response.end(JSON.stringify(body));
  };
  const path = new URL(request.url, origin).pathname;
  if (path === METADATA_PATH) return answer(200, METADATA);
  if (path !== pathname) return answer(404, { error: "not_found" });
  const scope = request.method === "GET" ? "tickets.read" : "tickets.write";
  try {
    const { sub, client_id, groups } = await authorize(request, scope);
    answer(200, { tickets: ["The printer is on fire"], person: sub, client: client_id, groups });
  } catch (failure) {
    if (failure instanceof Refused) {
      return answer(failure.status, { error: failure.error }, { "www-authenticate": challenge(failure, scope) });
    }
    console.error(failure);
    answer(503, { error: "temporarily_unavailable" });
  }
});
server.listen(PORT, "localhost", () => console.log(`${RESOURCE} accepts tokens of ${ISSUER}`));
