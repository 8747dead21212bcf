"""The local review page: the same desks as the command line, served to a browser. Nothing in it decides anything itself.

access    who may ask what: addresses, one-time links, visits, passwords, bounds, security headers
desks     what the pages show and what their keys do, typed; no HTML, no HTTP
pages     routes, templates, scripts and styles
serving   a server over them
"""
