//! What people see, in a real browser: pictures of every page, and the pages in use. Needs Chromium;
//! as root it is installed, elsewhere the tests say SKIPPED.

#[path = "../common/app.rs"]
mod app;
mod axe;
mod chromium;
mod demo;
mod elsewhere;
mod gallery;
mod hostile;
#[path = "../common/lanyard.rs"]
mod lanyard;
mod pictures;
#[path = "../common/ports.rs"]
mod ports;
mod sessions;
mod sign_in;
mod site;
mod tab;
mod world;
