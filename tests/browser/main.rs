//! What people see, in a real browser: pictures of every page, and the pages in use. Needs Chromium;
//! as root it is installed, elsewhere the tests say SKIPPED.

#[path = "../support/mod.rs"]
mod support;

mod axe;
mod chromium;
mod demo;
mod elsewhere;
mod gallery;
mod hostile;
mod pictures;
mod sessions;
mod sign_in;
mod site;
mod tab;
mod world;

use support::{app, dev};
