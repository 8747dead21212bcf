"""Who may ask what: one-time links and visits, Host and Origin, bounds on what is sent, security headers."""
