"""An authorization server with Authlib and Flask, as its owner would write it: clients and users are in a file."""

import json
import sys
import urllib.request

from authlib.common.security import generate_token
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from flask import Flask, jsonify

with open(sys.argv[1]) as file:
    config = json.load(file)
issuer = config["issuer"]
signing_key = JsonWebKey.generate_key("EC", "P-256", is_private=True)


class Client(ClientMixin):
    def __init__(self, settings):
        self.settings = settings

    def get_client_id(self):
        return self.settings["client_id"]

    def get_allowed_scope(self, scope):
        return " ".join(word for word in (scope or "").split() if word in self.settings["scope"].split())

    def check_client_secret(self, client_secret):
        return self.settings.get("client_secret") == client_secret

    def check_endpoint_auth_method(self, method, endpoint):
        return self.settings["token_endpoint_auth_method"] == method

    def check_grant_type(self, grant_type):
        return grant_type in self.settings["grant_types"]

    check_response_type = None
    check_redirect_uri = None
    get_default_redirect_uri = None


clients = {settings["client_id"]: Client(settings) for settings in config["clients"]}


class User:
    def __init__(self, name):
        self.name = name

    def get_user_id(self):
        return self.name


def fetch_key(kid):
    """Our published keys, fetched for each assertion."""
    with urllib.request.urlopen(config["assertion_issuer"] + "/.well-known/jwks.json", timeout=5) as response:
        return JsonWebKey.import_key_set(json.load(response)).find_by_kid(kid)


class JwtBearer(JWTBearerGrant):
    CLAIMS_OPTIONS = {
        "iss": {"essential": True, "value": config["assertion_issuer"]},
        "aud": {"essential": True, "value": issuer},
        "exp": {"essential": True},
    }

    def resolve_issuer_client(self, issuer):
        return clients["token-proxy"]

    def resolve_client_key(self, client, headers, payload):
        return fetch_key(headers.get("kid"))

    def authenticate_user(self, subject):
        return User(subject) if subject in config["users"] else None

    def has_granted_permission(self, client, user):
        return True


class Password(grants.ResourceOwnerPasswordCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", JWTBearerClientAssertion.CLIENT_AUTH_METHOD]

    def authenticate_user(self, username, password):
        return User(username) if username in config["users"] and password == config["password"] else None


class Assertion(JWTBearerClientAssertion):
    def validate_jti(self, claims, jti):
        return True

    def resolve_client_public_key(self, client, headers):
        return client.settings.get("client_secret") or fetch_key(headers.get("kid"))


def access_token(client, grant_type, user, scope):
    claims = {"iss": issuer, "sub": user.name, "client_id": client.get_client_id(), "scope": scope}
    return jwt.encode({"alg": "ES256"}, {**claims, "jti": generate_token(20)}, signing_key).decode()


app = Flask("authlib")
app.config["OAUTH2_ACCESS_TOKEN_GENERATOR"] = access_token
server = AuthorizationServer(app, query_client=clients.get, save_token=lambda token, request: None)
server.register_grant(JwtBearer)
server.register_grant(Password)
server.register_client_auth_method(Assertion.CLIENT_AUTH_METHOD, Assertion(issuer + "/token"))


@app.get("/.well-known/oauth-authorization-server")
def metadata():
    return jsonify(issuer=issuer, token_endpoint=issuer + "/token", response_types_supported=[])


@app.post("/token")
def token():
    return server.create_token_response()


app.run("127.0.0.1", config["port"], threaded=True)
