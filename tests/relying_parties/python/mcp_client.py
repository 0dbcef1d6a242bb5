"""A client of the Model Context Protocol's Python SDK: discovery, registration, sign-in with the issuer as its resource, and a
request with the access token. A resource that Lanyard does not know is refused before a sign-in."""

import asyncio
import logging
import os
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

# The SDK logs a traceback for the refusal below.
logging.getLogger("mcp").setLevel(logging.CRITICAL)
ISSUER, BROWSER, JAR = (os.environ[name] for name in ("ISSUER", "BROWSER", "JAR"))
CALLBACK = "http://localhost:9999/mcp/callback"


class Memory:
    """Tokens and registration of one client."""

    tokens = client_info = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client_info

    async def set_client_info(self, client_info):
        self.client_info = client_info


class Network(httpx2.AsyncBaseTransport):
    """Answers for the metadata of the MCP server (RFC 9728). All other requests go to Lanyard."""

    def __init__(self, resource):
        self.resource, self.network = resource, httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request):
        if "oauth-protected-resource" in request.url.path:
            return httpx2.Response(200, json={"resource": self.resource, "authorization_servers": [ISSUER]})
        if not str(request.url).startswith(ISSUER.rsplit("/", 2)[0]):
            return httpx2.Response(401)
        return await self.network.handle_async_request(request)


class Person:
    """A browser that opens the authorization URL."""

    async def redirect(self, url):
        command = [sys.executable, BROWSER, JAR, url, CALLBACK]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        self.answer = {name: values[0] for name, values in parse_qs(urlsplit(answer).query).items()}

    async def callback(self):
        if "error" in self.answer:
            raise PermissionError(self.answer["error"])
        return AuthorizationCodeResult(**{name: self.answer.get(name) for name in ("code", "state", "iss")})


async def use(server_url, resource):
    person, memory = Person(), Memory()
    metadata = OAuthClientMetadata(client_name="MCP (Python)", redirect_uris=[CALLBACK], scope="openid profile email")
    provider = OAuthClientProvider(server_url, metadata, memory, person.redirect, person.callback)
    async with httpx2.AsyncClient(auth=provider, transport=Network(resource)) as client:
        return await client.get(server_url), memory


async def main():
    try:
        await use("http://mcp.localhost:1/mcp", "http://mcp.localhost:1/mcp")
        raise SystemExit("an unknown resource was accepted")
    except PermissionError as error:
        assert str(error) == "invalid_target", error
    assert not os.path.exists(JAR) or "lanyard-session" not in open(JAR).read(), "a session exists"
    response, memory = await use(f"{ISSUER}/oauth/userinfo", ISSUER)
    assert response.status_code == 200 and response.json()["email"] == "ada@example.com", response.text
    assert memory.tokens.refresh_token, memory.tokens
    print("mcp (python): refused an unknown resource, registered, signed in, called the server")


asyncio.run(main())
