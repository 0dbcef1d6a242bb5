//! The API server, etcd and processes of the tests.

#![expect(dead_code, unused_imports, reason = "a part of the tests' harness is used")]

#[path = "../../../tests/common/cluster/apiserver.rs"]
mod apiserver;
#[path = "../../../tests/common/cluster/database.rs"]
mod database;
#[path = "../../../tests/common/cluster/debian.rs"]
mod debian;
#[path = "../../../tests/common/ports.rs"]
mod ports;
#[path = "../../../tests/common/cluster/process.rs"]
mod process;
#[path = "../../../tests/common/cluster/proxy.rs"]
mod proxy;
#[path = "../../../tests/common/cluster/run.rs"]
mod run;

pub use apiserver::ApiServer;
pub use database::as_other_user;
pub use debian::{other_user, postgresql};
pub use ports::free_port;
pub use process::{Process, eventually};
pub use proxy::Proxy;
pub use run::{binary, testenv, tool};
