//! The server: connections, routes, endpoints and pages.
