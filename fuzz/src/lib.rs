//! A tenant and a client for the fuzz targets.

pub use lanyard::model::fixtures::{client, tenant};
