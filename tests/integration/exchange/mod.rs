//! Token exchange (RFC 8693) over real HTTP, as applications and APIs see it.

use crate::support::{app, browser, publisher};

mod attacks;
mod endings;
mod flow;
mod world;
