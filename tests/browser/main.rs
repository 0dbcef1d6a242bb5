//! Tests in a real browser: screenshots of every page, sign-in, sessions and attacks. They need Chromium,
//! which they install when run as root. Without it they print SKIPPED.

#[path = "../support/mod.rs"]
mod support;

mod account;
mod authenticator;
mod axe;
mod chromium;
mod demo;
mod devices;
mod elsewhere;
mod gallery;
mod hostile;
mod passkeys;
mod pictures;
mod providers;
mod sessions;
mod sign_in;
mod site;
mod tab;
mod world;

use support::{app, dev, upstream};
