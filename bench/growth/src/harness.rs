//! The API server, etcd and processes of the tests.

#![expect(dead_code, unused_imports, reason = "a part of the tests' harness is used")]

#[path = "../../../tests/support/cluster/apiserver.rs"]
mod apiserver;
#[path = "../../../tests/support/cluster/database.rs"]
mod database;
#[path = "../../../tests/support/cluster/debian.rs"]
mod debian;
#[path = "../../../tests/support/ports.rs"]
mod ports;
#[path = "../../../tests/support/cluster/process.rs"]
mod process;
#[path = "../../../tests/support/cluster/proxy.rs"]
mod proxy;
#[path = "../../../tests/support/cluster/run.rs"]
mod run;

pub use apiserver::ApiServer;
pub use database::as_other_user;
pub use debian::{other_user, postgresql};
pub use ports::free_port;
pub use process::{Process, eventually};
pub use proxy::Proxy;
pub use run::{binary, testenv, tool};
