"""A client of the Model Context Protocol's Python SDK: discovery by the sample resource server, sign-in and a request with the access
token, known by registration and by a metadata document. A resource that Lanyard does not know is refused before a sign-in."""

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
ISSUER, BROWSER, JAR, RESOURCE, DOCUMENTS = (
    os.environ[name] for name in ("ISSUER", "BROWSER", "JAR", "RESOURCE", "DOCUMENTS")
)
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


class Elsewhere(httpx2.AsyncBaseTransport):
    """Answers for an MCP server that is not a ResourceServer (RFC 9728). All other requests go to Lanyard."""

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


async def use(server_url, transport=None, document=None):
    person, memory = Person(), Memory()
    metadata = OAuthClientMetadata(client_name="MCP (Python)", redirect_uris=[CALLBACK])
    provider = OAuthClientProvider(
        server_url, metadata, memory, person.redirect, person.callback, client_metadata_url=document
    )
    async with httpx2.AsyncClient(auth=provider, transport=transport) as client:
        return await client.get(server_url), memory


async def main():
    try:
        await use("http://mcp.localhost:1/mcp", Elsewhere("http://mcp.localhost:1/mcp"))
        raise SystemExit("an unknown resource was accepted")
    except PermissionError as error:
        assert str(error) == "invalid_target", error
    assert not os.path.exists(JAR) or "lanyard-session" not in open(JAR).read(), "a session exists"
    for document in (None, f"{DOCUMENTS}/python.json"):
        response, memory = await use(RESOURCE, document=document)
        client_id = memory.client_info.client_id
        assert response.status_code == 200 and response.json()["client"] == client_id, response.text
        assert client_id.startswith("https:") == (document is not None), client_id
        assert document in (None, client_id), client_id
    print("mcp (python): refused an unknown resource; by registration and by document: signed in, called the server")


asyncio.run(main())
