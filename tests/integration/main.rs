//! Everything that needs no API server and no browser: the provider over HTTP in this process and as
//! `lanyard dev`, what the registry makes of manifests, the commands, and rules that the tree obeys.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod authorize;
mod commands;
mod conformance;
mod crds;
mod dev;
mod docs;
mod golden;
mod hostile;
mod properties;
mod records;
mod registration;
mod token;
