//! Support shared by the test binaries: servers, a browser and relying party over HTTP, objects, ports.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

pub mod app;
pub mod browser;
pub mod cluster;
pub mod dev;
pub mod objects;
pub mod ports;
pub mod publisher;
pub mod stalls;
pub mod turns;
pub mod valkey;
