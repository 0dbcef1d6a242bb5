//! Support shared by the test binaries: servers, a browser and relying party over HTTP, objects, ports.

#![expect(dead_code, reason = "each test binary uses a part of it")]
#![allow(unused_imports, reason = "only the test binary `cluster` uses all of them")]

pub mod app;
pub mod authenticator;
pub mod browser;
pub mod certificates;
pub mod cluster;
pub mod dev;
pub mod directories;
pub mod dpop;
pub mod guarded;
pub mod invitation;
pub mod mail;
pub mod objects;
pub mod passkeys;
pub mod ports;
pub mod publisher;
pub mod soft_authenticator;
pub mod stalls;
pub mod tls;
pub mod turns;
pub mod upstream;
pub mod valkey;
