//! A real Kubernetes for tests: kube-apiserver, etcd and kube-controller-manager (`ApiServer`),
//! and a node that runs Pods (`Node`). Everything lives on free ports and in a directory of the
//! run. Each process is stopped by its id, and all of them end with the test process.
//!
//! `tests/testenv/build.sh` builds the binaries.

mod apiserver;
mod database;
mod debian;
mod image;
mod namespace;
mod node;
mod process;
mod proxy;
mod replica;
mod run;
mod service;

pub use apiserver::{ApiServer, TOKEN_ISSUER, client};
pub use database::Database;
pub use debian::postgresql;
pub use image::BINARY;
pub use namespace::HOST;
pub use node::{Node, unavailable};
pub use process::{Process, eventually};
pub use proxy::Proxy;
pub use replica::{Replica, install_chart};
pub use run::{binary, testenv, tool};
pub use service::LoadBalancer;

pub use super::ports::free_port;
