//! Lanyard.
fn main() {}
