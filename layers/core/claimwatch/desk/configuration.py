"""The configuration that the web application reads when it starts: one build serves every stack."""

import json


def configuration(issuer: str, client_id: str, sign_in: str, scope: str) -> bytes:
    """Return ``config.json``.

    ``issuer`` is the issuer of the access tokens, and ``sign_in`` the origin of the user pool's sign-in page.
    Without a user pool, ``sign_in`` is empty, and the application discovers the addresses of the issuer. Its
    ``sign_in_url`` is where Cognito signs people out in its own way.
    """
    document: dict[str, object] = {
        "issuer": issuer,
        "client_id": client_id,
        "scope": scope,
    }
    if sign_in:
        document["sign_in_url"] = sign_in
        # Cognito's discovery document is at another origin, and does not name the page that signs out.
        document["authority_metadata"] = {
            "issuer": issuer,
            "authorization_endpoint": f"{sign_in}/oauth2/authorize",
            "token_endpoint": f"{sign_in}/oauth2/token",
            "revocation_endpoint": f"{sign_in}/oauth2/revoke",
            "end_session_endpoint": f"{sign_in}/logout",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
        }
    return json.dumps(document, indent=2).encode()
