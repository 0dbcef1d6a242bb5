//! The commands: each reads its flags and wires the parts together. The only place, with `main`,
//! that uses `anyhow`.

pub mod crds;
pub mod hash_password;
