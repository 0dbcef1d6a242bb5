//! The device authorization grant (RFC 8628) over real HTTP, as devices and browsers see it.

use crate::support::{app, authenticator, browser};

mod attacks;
mod flow;
mod limits;
mod world;
