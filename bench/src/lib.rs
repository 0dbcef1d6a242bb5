//! Shared parts of the benchmarks: facts about the machine, the resources that processes used, and an
//! identity provider.

pub mod machine;
pub mod process;
pub mod upstream;
