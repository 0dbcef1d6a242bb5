//! Lanyard.
