//! The steps of each module that runs in several variants, under the name of the suite.

mod credentials;
mod flow;
mod objects;
mod proofs;
mod requests;
mod tokens;

pub use credentials::*;
pub use flow::*;
pub use objects::*;
pub use proofs::*;
pub use requests::*;
pub use tokens::*;
