//! Signing keys and sealing keys.
