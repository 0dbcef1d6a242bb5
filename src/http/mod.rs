//! The server: connections, routes, endpoints and pages.

pub mod pages;
