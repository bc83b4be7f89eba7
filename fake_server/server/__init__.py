"""The fake as a server: the app, its middleware, the routes and what they share."""
