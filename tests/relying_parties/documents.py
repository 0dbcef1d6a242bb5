"""Serves the metadata documents of the MCP clients over TLS: documents.py PORT CERTIFICATE KEY."""

import http.server
import json
import ssl
import sys

PORT, CERTIFICATE, KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
NAMES = {"/typescript.json": "MCP (TypeScript)", "/python.json": "MCP (Python)"}


class Documents(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        document = {
            "client_id": f"https://localhost:{PORT}{self.path}",
            "client_name": NAMES.get(self.path),
            "redirect_uris": ["http://localhost/mcp/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        body = json.dumps(document).encode()
        self.send_response(200 if self.path in NAMES else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        print(self.command, self.path, flush=True)


server = http.server.ThreadingHTTPServer(("localhost", PORT), Documents)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
