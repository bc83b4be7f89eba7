"""The OpenAPI document, made when it is first asked for, and the page /docs without a network."""
