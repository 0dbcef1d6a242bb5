// The access tokens of a resource server (Node.js 18.3 or newer, no packages), without its endpoints: they are in server.mjs.
// Tokens are verified by the issuer's keys (RFC 9068 §4). A token that is bound to a key counts only with a proof of that key
// (DPoP, RFC 9449). Settings are environment variables: ISSUER, RESOURCE (the identifier of the ResourceServer), and
// DPOP_REQUIRED=true, with which every token has to be bound, as with `tokenBinding: DPoP`.
import { InvalidProof, checkProof } from "./dpop.mjs";
import { ALGORITHM_NAMES, isObject, isSignedBy, readJwt } from "./jwt.mjs";

export const RESOURCE = process.env.RESOURCE ?? "http://localhost:8090/tickets";
export const ISSUER = process.env.ISSUER ?? "http://localhost:8080/default/desk";
const DPOP_REQUIRED = process.env.DPOP_REQUIRED === "true";

// RFC 9728 §3.1: the well-known path stands between the host and the path of the identifier.
const { origin, pathname } = new URL(RESOURCE);
export const METADATA_PATH = `/.well-known/oauth-protected-resource${pathname === "/" ? "" : pathname}`;
export const METADATA = {
  resource: RESOURCE,
  resource_name: "Tickets",
  authorization_servers: [ISSUER],
  scopes_supported: ["tickets.read", "tickets.write"],
  bearer_methods_supported: ["header"],
  dpop_signing_alg_values_supported: ALGORITHM_NAMES,
  dpop_bound_access_tokens_required: DPOP_REQUIRED,
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
const invalidProof = (text) => new Refused(401, "invalid_dpop_proof", text);

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
  const jwt = readJwt(token);
  if (!jwt) throw invalid("The token is not a JWT.");
  const { header, claims } = jwt;
  const type = String(header.typ ?? "").toLowerCase().replace(/^application\//, "");
  if (type !== "at+jwt") throw invalid("The token is not an access token.");
  const jwk = ALGORITHM_NAMES.includes(header.alg) ? await keyOf(header.kid) : undefined;
  if (!jwk || jwk.alg !== header.alg) throw invalid("No key of the issuer signed the token.");
  if (!isSignedBy(jwt, jwk)) throw invalid("The signature of the token is wrong.");
  const now = Date.now() / 1000;
  if (claims.iss !== ISSUER) throw invalid("The token is of another issuer.");
  if (![claims.aud].flat().includes(RESOURCE)) throw invalid("The token is for another resource.");
  if (!(claims.exp > now)) throw invalid("The token has expired.");
  if (claims.nbf > now + 5) throw invalid("The token is not valid yet.");
  return claims;
}

// The thumbprint of the key to which a token is bound (RFC 9449 §6.1); undefined for a bearer token. A token that is bound in another
// way is refused: this server sees no certificates (`x5t#S256`, RFC 8705 §3.1).
function boundKey({ cnf }) {
  if (cnf === undefined) return undefined;
  if (!isObject(cnf) || Object.keys(cnf).join() !== "jkt" || typeof cnf.jkt !== "string") {
    throw invalid("The token is bound to something that this API does not see.");
  }
  return cnf.jkt;
}

// Checks that the client has the key of the token (RFC 9449 §7.1).
function checkKey(request, token, key) {
  try {
    const proofs = request.headersDistinct.dpop ?? [];
    const proof = checkProof(proofs, { method: request.method, url: RESOURCE, token });
    if (proof.thumbprint !== key) throw invalid("The token is bound to another key.");
    proof.use();
  } catch (failure) {
    throw failure instanceof InvalidProof ? invalidProof(failure.message) : failure;
  }
}

// The scheme of the header Authorization in lower case, and what follows it.
function credentials(request) {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  return [scheme.toLowerCase(), token];
}

// The claims of the access token of a request. The token needs the scope.
export async function authorize(request, scope) {
  const [scheme, token] = credentials(request);
  // RFC 6750 §3.1: a request without a token gets no error code.
  if (!["bearer", "dpop"].includes(scheme) || !token) throw new Refused(401, undefined, "Send an access token.");
  const claims = await accessToken(token);
  const key = boundKey(claims);
  if (key === undefined && DPOP_REQUIRED) throw invalid("This API takes only tokens that are bound to a key.");
  // RFC 9449 §7.2: otherwise a token that was copied could be used as a bearer token.
  if (key !== undefined && scheme !== "dpop") throw invalid("The token is bound to a key: send it as DPoP, with a proof.");
  if (key === undefined && scheme === "dpop") throw invalid("The token is bound to no key: send it as Bearer.");
  if (key !== undefined) checkKey(request, token, key);
  if (!String(claims.scope ?? "").split(" ").includes(scope)) {
    throw new Refused(403, "insufficient_scope", `The token does not have the scope ${scope}.`);
  }
  return claims;
}

// The challenges of an answer (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1). The error is in that of the scheme that was used.
function challenges(request, { error, message }, scope) {
  const known = [`resource_metadata="${origin}${METADATA_PATH}"`, `scope="${scope}"`];
  const failed = error ? [`error="${error}"`, `error_description="${message}"`] : [];
  const algorithms = `algs="${ALGORITHM_NAMES.join(" ")}"`;
  if (DPOP_REQUIRED || credentials(request)[0] === "dpop") return [`DPoP ${[...failed, algorithms, ...known].join(", ")}`];
  return [`Bearer ${[...failed, ...known].join(", ")}`, `DPoP ${[algorithms, ...known].join(", ")}`];
}

// Sends the answer to a request that `authorize` refused.
export function refuse(request, response, failure, scope) {
  if (!(failure instanceof Refused)) {
    console.error(failure);
    return answer(response, 503, { error: "temporarily_unavailable" });
  }
  const headers = { "www-authenticate": challenges(request, failure, scope) };
  answer(response, failure.status, { error: failure.error }, headers);
}

// Sends an answer as JSON.
export function answer(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(JSON.stringify(body));
}
