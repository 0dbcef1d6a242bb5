//! The steps of each module, under the name of the suite.

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
