"""The embedded server: TF Serving's predict API, `/colorize`, and pages."""
