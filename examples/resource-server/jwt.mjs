// JWTs and their signatures, for access tokens (server.mjs) and DPoP proofs (dpop.mjs).
import { constants, createPublicKey, verify } from "node:crypto";

// The algorithms that are accepted, with the keys, hash and form of their signatures. Never take others from a JWT.
const ALGORITHMS = {
  ES256: { type: "ec", curve: "prime256v1", hash: "sha256", options: { dsaEncoding: "ieee-p1363" } },
  EdDSA: { type: "ed25519", hash: null },
  PS256: { type: "rsa", hash: "sha256", options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
  RS256: { type: "rsa", hash: "sha256" },
};
export const ALGORITHM_NAMES = Object.keys(ALGORITHMS);

// Header and claims of a JWT, before its signature is verified. Undefined if the text is not a JWT.
export function readJwt(text) {
  const parts = text.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url").toString("utf8")));
    if (!isObject(header) || !isObject(claims)) return undefined;
    return { header, claims, signed: `${parts[0]}.${parts[1]}`, signature: Buffer.from(parts[2], "base64url") };
  } catch {
    return undefined;
  }
}

// Whether a public key (JWK) signed the JWT. A key that does not fit the algorithm signed nothing.
export function isSignedBy(jwt, jwk) {
  if (!Object.hasOwn(ALGORITHMS, jwt.header.alg)) return false;
  const algorithm = ALGORITHMS[jwt.header.alg];
  let key;
  try {
    key = createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    return false;
  }
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType !== algorithm.type || namedCurve !== algorithm.curve) return false;
  if (algorithm.type === "rsa" && (modulusLength < 2048 || modulusLength > 4096)) return false;
  return verify(algorithm.hash, Buffer.from(jwt.signed), { key, ...algorithm.options }, jwt.signature);
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
