"""When a prediction is believed: how far a picture lies from ours, how sure the network is, and what was held out to say so."""
