"""``labels calibrate``: what each setting of a map's fuzzy thresholds would accept, told by simulation."""
