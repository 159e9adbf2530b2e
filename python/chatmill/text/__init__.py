"""Short, safe pieces of text for people: quotes, places, suggestions and numbers."""
