//! The `lanyard` command.

fn main() {}
