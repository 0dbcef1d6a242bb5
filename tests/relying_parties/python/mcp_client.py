"""A client of the Model Context Protocol's Python SDK at mcp_server.js: it finds the issuer, and signs in. A tool is called with the
token, and again after it has expired, known by registration and by a metadata document. A resource that Lanyard does not know is
refused before a sign-in."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
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

    sign_ins = 0

    async def redirect(self, url):
        self.sign_ins += 1
        command = [sys.executable, BROWSER, JAR, url, CALLBACK]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        self.answer = {name: values[0] for name, values in parse_qs(urlsplit(answer).query).items()}

    async def callback(self):
        if "error" in self.answer:
            raise PermissionError(self.answer["error"])
        return AuthorizationCodeResult(**{name: self.answer.get(name) for name in ("code", "state", "iss")})


def provider_for(server_url, document=None):
    person, memory = Person(), Memory()
    metadata = OAuthClientMetadata(client_name="MCP (Python)", redirect_uris=[CALLBACK])
    provider = OAuthClientProvider(
        server_url, metadata, memory, person.redirect, person.callback, client_metadata_url=document
    )
    return provider, person, memory


async def is_refused(server_url):
    """The flow of the SDK at an MCP server that is not a ResourceServer."""
    provider, _, _ = provider_for(server_url)
    async with httpx2.AsyncClient(auth=provider, transport=Elsewhere(server_url)) as client:
        try:
            await client.get(server_url)
        except PermissionError as error:
            return str(error) == "invalid_target"
    return False


async def call_tool(client, memory):
    result = await client.call_tool("list_tickets")
    assert not result.is_error, result
    answer = json.loads(result.content[0].text)
    assert answer["tickets"] == ["The printer is on fire"], answer
    assert answer["client"] == memory.client_info.client_id, answer


async def use_tool(document):
    provider, person, memory = provider_for(RESOURCE, document)
    async with httpx2.AsyncClient(auth=provider) as http_client:
        async with Client(streamable_http_client(RESOURCE, http_client=http_client)) as client:
            tools = await client.list_tools()
            assert [tool.name for tool in tools.tools] == ["list_tickets"], tools
            await call_tool(client, memory)
            first = memory.tokens.access_token
            # The token expires (`accessToken.lifetime` of the ResourceServer), and the SDK refreshes it before the next request.
            async with asyncio.timeout(60):
                while provider.context.is_token_valid():
                    await asyncio.sleep(0.2)
            await call_tool(client, memory)
            assert memory.tokens.access_token != first, "the token was not refreshed"
            assert person.sign_ins == 1, person.sign_ins
    return memory.client_info.client_id


async def main():
    assert await is_refused("http://mcp.localhost:1/mcp"), "an unknown resource was accepted"
    assert not os.path.exists(JAR) or "lanyard-session" not in open(JAR).read(), "a session exists"
    client_id = await use_tool(None)
    assert not client_id.startswith("https:"), client_id
    document = f"{DOCUMENTS}/python.json"
    assert await use_tool(document) == document
    print("mcp (python): refused an unknown resource; by registration and by document: signed in, called a tool, refreshed")


asyncio.run(main())
