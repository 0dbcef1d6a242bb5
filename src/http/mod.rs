//! The server: connections, routes, endpoints and pages.

pub mod demo;
pub mod pages;
