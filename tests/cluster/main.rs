//! Tests that need external servers or the whole machine: a Kubernetes API server, Pods,
//! replicas of `lanyard run`, databases that fail over, and processes that are killed under load.
//!
//! `tests/testenv/build.sh` builds and installs the servers. Tests of different groups never run
//! together (`support::turns`).

#[path = "../support/mod.rs"]
mod support;

mod admission;
mod control;
mod e2e;
mod environment;
mod failover;
mod kills;
mod load;
mod logs;
mod registration;
mod replicas;
mod restarts;
mod storm;
mod upgrade;
mod workloads;
