//! Shared parts of the benchmarks: facts about the machine, and the resources that processes used.

pub mod machine;
pub mod process;
