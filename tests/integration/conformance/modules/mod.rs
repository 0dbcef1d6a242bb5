//! What the modules do, each under the suite's name.

mod claims;
mod codes;
mod errors;
mod happy;
mod objects;
mod refresh;
mod sessions;

pub use claims::*;
pub use codes::*;
pub use errors::*;
pub use happy::*;
pub use objects::*;
pub use refresh::*;
pub use sessions::*;
