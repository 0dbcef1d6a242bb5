//! The API server, etcd and processes of the tests.

#![allow(dead_code, missing_docs, unused_imports, reason = "a part of the tests' harness is used")]

#[path = "../../../tests/common/cluster/apiserver.rs"]
mod apiserver;
#[path = "../../../tests/common/cluster/process.rs"]
mod process;
#[path = "../../../tests/common/cluster/proxy.rs"]
mod proxy;
#[path = "../../../tests/common/cluster/run.rs"]
mod run;

pub use apiserver::ApiServer;
pub use process::{Process, eventually};
pub use proxy::Proxy;
pub use run::{binary, free_port, testenv, tool};
