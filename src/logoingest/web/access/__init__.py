"""Who may ask what: one-time links, passwords and visits, Host and Origin, bounds on what is sent, security headers."""
