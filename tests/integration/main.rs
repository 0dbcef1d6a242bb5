//! Tests that need neither an API server nor a browser: the provider over HTTP in this process and as
//! `lanyard dev`, the registry's verdicts on manifests, the commands, and rules of the source tree.

#[path = "../support/mod.rs"]
mod support;

mod architecture;
mod audit;
mod authorize;
mod ciba;
mod client_documents;
mod commands;
mod conformance;
mod crds;
mod dev;
mod device;
mod docs;
mod exchange;
mod fapi2;
mod golden;
mod hostile;
mod import;
mod ldap;
mod mail;
mod memory;
mod mutual_tls;
mod observability;
mod properties;
mod provider_examples;
mod real_providers;
mod records;
mod registration;
mod resource_server_example;
mod token;
mod upstream;
