"""The HTTP API as its clients see it: routes, bodies, answers, and the OpenAPI document of them."""
