"""A relying party on Authlib: sign-in with PKCE, validation of the ID token, userinfo, refresh, logout."""

import os
import subprocess
import sys
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
ISSUER, BROWSER, JAR = (os.environ[name] for name in ("ISSUER", "BROWSER", "JAR"))
SECRET = "a-secret+that/Authlib=sends-as%it-is"
CALLBACK, BYE = "http://localhost:9999/python/callback", "http://localhost:9999/python/bye"


def browse(url, stop_at):
    command = [sys.executable, BROWSER, JAR, url, stop_at]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def validated(id_token, metadata, nonce):
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    token = jwt.decode(id_token, keys)
    options = {"iss": {"value": ISSUER}, "aud": {"value": "default.python"}}
    claims = CodeIDToken(token.claims, token.header, options, {"nonce": nonce})
    claims.validate()
    return claims


def main():
    metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
    session = OAuth2Session(
        "default.python",
        SECRET,
        redirect_uri=CALLBACK,
        scope="openid profile email offline_access",
        code_challenge_method="S256",
        token_endpoint=metadata["token_endpoint"],
    )
    verifier, nonce = generate_token(48), generate_token(20)
    url, state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    answer = browse(url, CALLBACK)
    token = session.fetch_token(authorization_response=answer, state=state, code_verifier=verifier)
    claims = validated(token["id_token"], metadata, nonce)
    person = session.get(metadata["userinfo_endpoint"]).json()
    assert person["sub"] == claims["sub"] and person["email"] == "ada@example.com", person
    refreshed = session.refresh_token(metadata["token_endpoint"])
    assert validated(refreshed["id_token"], metadata, None)["sub"] == claims["sub"]
    hint = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": BYE, "state": "s"}
    left = browse(f"{metadata['end_session_endpoint']}?{urlencode(hint)}", BYE)
    assert parse_qs(urlsplit(left).query)["state"] == ["s"], left
    print("python: signed in, validated, refreshed, signed out")


if __name__ == "__main__":
    main()
