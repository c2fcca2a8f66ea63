"""A server with the REST interface of TF Serving, and a page to try it."""
