// DPoP proofs (RFC 9449): with each request the client shows that it has the key to which the access token is bound.
import { createHash } from "node:crypto";
import { ALGORITHM_NAMES, isObject, isSignedBy, readJwt } from "./jwt.mjs";

const MAX_AGE = 120; // s that a proof counts
const LEEWAY = 60; // s that the clock of a client may be ahead
const MAX_PROOF_LENGTH = 4096;
const MAX_USED = 100_000; // proofs that are remembered
// Members of private and symmetric keys (RFC 7518 §6).
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
// The required members of a JWK in the order of its thumbprint (RFC 7638 §3.2).
const THUMBPRINT_MEMBERS = { EC: ["crv", "kty", "x", "y"], OKP: ["crv", "kty", "x"], RSA: ["e", "kty", "n"] };

// The proof does not show what the request needs.
export class InvalidProof extends Error {}

const sha256 = (text) => createHash("sha256").update(text).digest("base64url");

// Checks the proof of a request with an access token (RFC 9449 §4.3). Returns the thumbprint of its key, for comparison with `jkt`
// of the token, and `use`, which makes the proof unusable for another request.
export function checkProof(proofs, { method, url, token }) {
  if (proofs.length !== 1) throw new InvalidProof("Send one DPoP header, with a proof.");
  const jwt = proofs[0].length <= MAX_PROOF_LENGTH ? readJwt(proofs[0]) : undefined;
  if (jwt?.header.typ !== "dpop+jwt") throw new InvalidProof("The header DPoP is not a proof.");
  const { header, claims } = jwt;
  if (!ALGORITHM_NAMES.includes(header.alg)) throw new InvalidProof("The algorithm of the proof is not supported.");
  const { jwk } = header;
  if (!isObject(jwk)) throw new InvalidProof("The header of the proof has no jwk.");
  if (PRIVATE_MEMBERS.some((name) => name in jwk)) throw new InvalidProof("The jwk of the proof is a private key.");
  const thumbprint = thumbprintOf(jwk);
  if (thumbprint === undefined || !isSignedBy(jwt, jwk)) throw new InvalidProof("The signature of the proof is wrong.");
  if (claims.htm !== method) throw new InvalidProof("The proof is for another method.");
  if (normalized(claims.htu) !== normalized(url)) throw new InvalidProof("The proof is for another URL.");
  if (claims.ath !== sha256(token)) throw new InvalidProof("The proof is for another access token.");
  const now = Date.now() / 1000;
  if (!(claims.iat > now - MAX_AGE && claims.iat < now + LEEWAY)) throw new InvalidProof("The proof is too old, or of the future.");
  // A proof need not have these two (RFC 7519 §4.1.4, §4.1.5).
  const { nbf = now, exp = now + 1 } = claims;
  if (!(typeof nbf === "number" && nbf < now + LEEWAY)) throw new InvalidProof("The proof is not valid yet.");
  if (!(typeof exp === "number" && exp > now)) throw new InvalidProof("The proof has expired.");
  if (typeof claims.jti !== "string" || claims.jti === "") throw new InvalidProof("The proof has no jti.");
  return { thumbprint, use: () => use(sha256(`${thumbprint}\0${claims.jti}`), now) };
}

// A URL without query and fragment, in its normal form (RFC 9449 §4.3, rule 9).
function normalized(text) {
  try {
    const url = new URL(text);
    url.search = url.hash = "";
    return url.href;
  } catch {
    return undefined;
  }
}

function thumbprintOf(jwk) {
  const names = Object.hasOwn(THUMBPRINT_MEMBERS, jwk.kty) ? THUMBPRINT_MEMBERS[jwk.kty] : undefined;
  if (!names?.every((name) => typeof jwk[name] === "string")) return undefined;
  return sha256(JSON.stringify(Object.fromEntries(names.map((name) => [name, jwk[name]]))));
}

// The used proofs with the time until which they are remembered, the oldest first. An API with several replicas keeps them in a store
// that these share.
const used = new Map();

function use(id, now) {
  for (const [other, until] of used) {
    if (until > now) break;
    used.delete(other);
  }
  if (used.has(id)) throw new InvalidProof("The proof was used before; make a new one for each request.");
  if (used.size >= MAX_USED) throw new Error("too many proofs were used within three minutes");
  used.set(id, now + MAX_AGE + LEEWAY);
}
