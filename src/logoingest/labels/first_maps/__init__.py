"""A first class map of any domain from the answers themselves: closed sets, spellings joined by pictures and letters, the words that count."""
