"""What `contract ready` knows of clients: what they send, recorded, and which broken forms they survive."""
