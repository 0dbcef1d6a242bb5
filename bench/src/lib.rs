//! What measuring takes whatever is measured: the machine, and what processes on it have used.

pub mod machine;
pub mod process;
